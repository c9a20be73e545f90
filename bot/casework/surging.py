"""Surges: when many tickets become one, which turns are linked to it, and how they come out of it.

Invariants: an agent has one surge of a cause at most, with one parent handoff. A ticket is linked by the transaction
that ends its turn, so nobody waits without having been told; a ticket leaves as soon as its requester says so. An
evaluation never meets a surge.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import assert_never

import structlog

from bot.admission import NotAdmitted
from bot.agent import phrases
from bot.agent.card import Agent
from bot.agent.linked import Linked, LinkKind
from bot.agent.loop import NeedsPerson, Outcome
from bot.agent.runtime import AgentRuntime
from bot.casework import surge_words
from bot.principals import Reason
from bot.responders import surge_rule
from bot.responders.surge_rule import SurgeFigures
from bot.slack.requesters import surge_messages
from bot.slack.sentences import Language, spoken_by
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import (
    Handoff,
    InboxKind,
    MessageKind,
    Purpose,
    Surge,
    SurgeCause,
    Ticket,
    now,
)
from bot.store.tickets import first_words, followers, surge_signs, surges, tickets
from bot.store.tickets.turns import Attempt

log = structlog.get_logger()

SILENT = "The directory does not answer."
"Summary of a handoff for which the directory could not be asked."
MAY_BE_ALIKE = frozenset({Reason.LOW_CONFIDENCE, Reason.REPEATED_FAILURE, Reason.NO_PROGRESS})
"Reasons for which many handoffs may have one cause; the others are personal, or about the bot itself."
MOST_BEFORE = 300
"The largest number of earlier tickets whose words are read."


@dataclass(frozen=True, slots=True)
class Beginning:
    """A surge that begins with the handoff of this turn."""

    cause: SurgeCause
    words: tuple[str, ...]
    others: tuple[Ticket, ...]
    "The tickets that showed it, besides that of the turn."


def name_of(agent: Agent) -> str:
    """Return the name under which an agent's surges are kept."""
    return agent.card.name


def met(session: Session, runtime: AgentRuntime, attempt: Attempt) -> Linked | None:
    """Return how a turn is linked to a surge under way, or None if the agent plays it."""
    if runtime.purpose is Purpose.EVAL or any(event.kind is InboxKind.NOTE for event in attempt.heard):
        return None
    said = "\n".join(event.text for event in attempt.heard)
    for surge in surges.under_way(session, name_of(runtime.agent)):
        if followers.has_left(attempt.ticket, surge.id):
            continue
        if attempt.ticket.surge_id == surge.id:
            return Linked(surge.id, surge.reason, LinkKind.SOLVED if surge_words.says_over(said) else LinkKind.AGAIN)
        if _concerns(surge, runtime.agent, said):
            return Linked(surge.id, surge.reason, LinkKind.JOINED)
    return None


def decide(
    session: Session, runtime: AgentRuntime, attempt: Attempt, outcome: Outcome | NotAdmitted | Linked
) -> tuple[Outcome | NotAdmitted | Linked, Beginning | None]:
    """Decide whether an outcome joins a surge or begins one, in the transaction that writes it down.

    The agent is locked, so that of fifty turns that end at once each sees those before it.
    """
    if not isinstance(outcome, NeedsPerson) or runtime.purpose is Purpose.EVAL:
        return outcome, None
    if not outcome.directory and outcome.reason not in MAY_BE_ALIKE:
        return outcome, None
    ticket = tickets.lock(session, attempt.ticket.id)
    surges.lock_agent(session, name_of(runtime.agent))
    if outcome.directory:
        surge_signs.directory_failed(session, attempt)
    cause = SurgeCause.DIRECTORY if outcome.directory else SurgeCause.ALIKE
    said = "\n".join(event.text for event in attempt.heard)
    for surge in surges.under_way(session, name_of(runtime.agent)):
        if surge.cause is cause:
            joins = not followers.has_left(ticket, surge.id) and _concerns(surge, runtime.agent, said)
            return (Linked(surge.id, surge.reason, LinkKind.JOINED) if joins else outcome), None
    beginning = _beginning(session, runtime.agent, ticket, outcome, cause)
    if beginning is not None and outcome.directory:
        outcome = replace(outcome, reason=Reason.OUTAGE)
    return outcome, beginning


def is_due(session: Session, agent: Agent) -> bool:
    """Return whether the directory has failed enough tickets for a surge, which is under way or begins now."""
    if any(surge.cause is SurgeCause.DIRECTORY for surge in surges.under_way(session, name_of(agent))):
        return True
    return len(_failed(session, agent)) >= agent.card.surge.directory_tickets


def stays_out(session: Session, agent: Agent, ticket: Ticket) -> bool:
    """Return whether a ticket is played although the directory is down: its requester says that theirs is different."""
    under_way = surges.under_way(session, name_of(agent))
    return any(one.cause is SurgeCause.DIRECTORY and followers.has_left(ticket, one.id) for one in under_way)


def begin(session: Session, agent: Agent, handoff: Handoff, beginning: Beginning) -> None:
    """Begin a surge with a handoff that was opened in this transaction, before its card is posted."""
    ticket = tickets.read(session, handoff.ticket_id)
    language = _language(session, (ticket, *beginning.others))
    surge = surges.begin(
        session,
        handoff,
        agent=name_of(agent),
        cause=beginning.cause,
        words=beginning.words,
        channel=ticket.channel if ticket.channel in agent.card.channels else agent.card.channels[0],
        language=language,
        others=[one.id for one in beginning.others],
    )
    if surge is not None:
        messages.add(
            session,
            key=surge_messages.notice_key(surge.id),
            kind=MessageKind.SURGE,
            lane=f"surge:{surge.id}",
            channel=surge.channel,
            body=surge_messages.notice(surge.cause, language),
        )
        log.warning("surge.began", surge=surge.id, cause=surge.cause, agent=surge.agent, handoff=handoff.id)


def _concerns(surge: Surge, agent: Agent, said: str) -> bool:
    """Return whether a surge is about what a turn answers."""
    match surge.cause:
        case SurgeCause.DIRECTORY:
            return bool(agent.card.needs_account)
        case SurgeCause.ALIKE:
            return surge_rule.is_like(_words(said), surge.words)
        case _:
            assert_never(surge.cause)


def _beginning(
    session: Session, agent: Agent, ticket: Ticket, outcome: NeedsPerson, cause: SurgeCause
) -> Beginning | None:
    """Return the surge that begins with this turn's handoff, or None."""
    figures = agent.card.surge
    match cause:
        case SurgeCause.DIRECTORY:
            failed = _failed(session, agent)
            others = tuple(one for one in failed if one.id != ticket.id)
            return Beginning(cause, (), others) if len(failed) >= figures.directory_tickets else None
        case SurgeCause.ALIKE:
            return _alike(session, agent, ticket, outcome.reason, figures)
        case _:
            assert_never(cause)


def _failed(session: Session, agent: Agent) -> tuple[Ticket, ...]:
    """Return the tickets that the directory fails now; what it failed before it was healthy again does not count."""
    since = now() - timedelta(seconds=agent.card.surge.directory_seconds)
    ended = surge_signs.last_end(session, name_of(agent), SurgeCause.DIRECTORY)
    return tuple(surge_signs.failed_by_directory(session, _names(agent), since=max(since, ended or since)))


def _alike(session: Session, agent: Agent, ticket: Ticket, reason: Reason, figures: SurgeFigures) -> Beginning | None:
    """Return the surge of tickets that were handed off for this reason and are alike in their words."""
    since = now() - timedelta(minutes=figures.within_minutes)
    ended = surge_signs.last_end(session, name_of(agent), SurgeCause.ALIKE)
    ids = surge_signs.handed_off(
        session, _names(agent), reason=reason, since=max(since, ended or since), most=MOST_BEFORE
    )
    if len({*ids, ticket.id}) < figures.like_tickets:
        return None
    texts = {number: _words(text) for number, text in first_words.of(session, {*ids, ticket.id}).items()}
    own = texts.get(ticket.id, frozenset())
    if not surge_rule.may_be_like(own, texts.values(), at_least=figures.like_tickets):
        return None
    known_before = surge_signs.before(session, _names(agent), until=since, most=MOST_BEFORE)
    words_before = [_words(text) for text in first_words.of(session, known_before).values()]
    words = surge_rule.common(list(texts.values()), words_before, at_least=figures.like_tickets)
    if not words or not surge_rule.is_like(own, words):
        return None
    like = [number for number, one in texts.items() if number != ticket.id and surge_rule.is_like(one, words)]
    return Beginning(SurgeCause.ALIKE, words, tuple(tickets.read(session, number) for number in sorted(like)))


@lru_cache(maxsize=2 * MOST_BEFORE)
def _words(text: str) -> frozenset[str]:
    """Return the words of a text; each handoff reads those of the same tickets again."""
    return surge_rule.words_of(phrases.plain(text))


def _names(agent: Agent) -> tuple[str, ...]:
    return (agent.card.name, *agent.card.inherits)


def _language(session: Session, affected: tuple[Ticket, ...]) -> Language:
    """Return the language of a public notice: the one that all who are affected speak, or English."""
    spoken = {spoken_by(session, one.requester) for one in affected}
    return spoken.pop() if len(spoken) == 1 else "en"

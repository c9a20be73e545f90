"""Every move of a handoff, together with what is said of it: each move is one function for all of its callers.

Invariant: a move and all that is said of it are one transaction. Nobody else makes the store's moves or says what is
said of them, so that none is made in silence. Each returns what the store's move returns: whether it was made, and if
not, how the handoff stands.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.agent.card import Agent
from bot.agent.context import context_of
from bot.principals import Reason
from bot.responders.people import People
from bot.slack.handoffs import handoff_messages
from bot.slack.requesters.replies import Occasion
from bot.store.db import Session
from bot.store.handoffs import handoffs, handoffs_due
from bot.store.handoffs.handoffs_due import OpenHandoff
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import EscalationAction, ExpiryCause, Handoff, HandoffContext, Ticket, now
from bot.store.tickets import tickets

log = structlog.get_logger()

CALLED = timedelta(minutes=5)
"So long those on call are not called again by another one that waits."


def open_for(
    session: Session,
    ticket: Ticket,
    agent: Agent,
    *,
    reason: Reason,
    summary: str,
    actor: str,
    turn_id: int | None = None,
    known: HandoffContext | None = None,
    occasion: Occasion = "usual",
) -> Handoff:
    """Give a ticket to an agent's people.

    Args:
        session: a transaction that has locked the ticket and ended the turn that was under way.
        ticket: the ticket, which has no open handoff.
        agent: whose people get it.
        reason: why.
        summary: why, in words for the card.
        actor: who has opened it.
        turn_id: the turn that ended with it, if one did.
        known: what the card shows beside what the rows tell: the link to the requester's thread, and if the words are
            withheld from the queue channel, since they were said in private and others read there.
        occasion: how it came to that, as the requester is told.
    """
    people = agent.card.handoff
    known = replace(known or HandoffContext(), of_account=bool(agent.card.needs_account))
    handoff = handoffs.open_for(
        session,
        ticket.id,
        turn_id=turn_id,
        reason=reason,
        summary=summary,
        context=context_of(session, ticket.id, turn_id=turn_id, last=handoffs.last(session, ticket.id), known=known),
        queue_channel=people.queue_channel,
        actor=actor,
    )
    opened(session, handoff, ticket, people, occasion=occasion)
    return handoff


def opened(
    session: Session,
    handoff: Handoff,
    ticket: Ticket,
    people: People,
    *,
    occasion: Occasion = "usual",
    until: datetime | None = None,
    footers: Sequence[str] = (),
) -> None:
    """Tell everybody of a handoff that was opened in this transaction, as a turn's outcome is.

    Args:
        session: the transaction that opened the handoff.
        handoff: the handoff.
        ticket: its ticket.
        people: the agent's, who get it.
        occasion: how it came to that, as the requester is told.
        until: when the agent may work again, for a budget that is used up.
        footers: what the requester reads in small print below the notice.
    """
    handoff_messages.opened(
        session,
        handoff,
        ticket,
        expected_minutes=people.expected_minutes,
        until=until,
        occasion=occasion,
        opens_at=people.opens_at(now()),
        footers=footers,
    )


def claim(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Let somebody take an open handoff."""
    moved = handoffs.claim(session, handoff_id, user, lease_minutes=lease_minutes)
    if isinstance(moved, Moved):
        handoff_messages.claimed(session, moved, user)
    return moved


def renew(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Keep a claim for another while: its holder has written something."""
    return _shown(session, handoffs.renew(session, handoff_id, user, lease_minutes=lease_minutes))


def spoke(session: Session, handoff_id: int, user: str, *, lease_minutes: float, sent: bool = True) -> Moved | NotMoved:
    """Note a word of the holder to the requester.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: who spoke.
        lease_minutes: how long the claim holds from now.
        sent: from the queue thread; then the next `>` there is not asked about.
    """
    return _shown(session, handoffs.spoke(session, handoff_id, user, lease_minutes=lease_minutes, sent=sent))


def reassign(
    session: Session, handoff_id: int, *, holder: str, to: str, by: str, lease_minutes: float, why: str
) -> Moved | NotMoved:
    """Give a claim to another responder, who reads why."""
    moved = handoffs.reassign(session, handoff_id, holder=holder, to=to, by=by, lease_minutes=lease_minutes)
    if isinstance(moved, Moved):
        handoff_messages.reassigned(session, moved, by=by, holder=holder, why=why)
    return moved


def unclaim(session: Session, handoff_id: int, user: str, people: People) -> Moved | NotMoved:
    """Let go of a claim; the agent's people are called to take it."""
    moved = handoffs.unclaim(session, handoff_id, user)
    if isinstance(moved, Moved):
        opens_at, call = _called(people)
        handoff_messages.unclaimed(session, moved, user, call=call, opens_at=opens_at)
    return moved


def give_back(session: Session, handoff_id: int, user: str, *, note: str) -> Moved | NotMoved:
    """Let the agent go on with what the holder wrote to it."""
    moved = handoffs.give_back(session, handoff_id, user, note=note)
    if isinstance(moved, Moved):
        handoff_messages.returned(session, moved, user, note=note)
    return moved


def go_on(
    session: Session, handoff_id: int, owner: str, *, review_id: int, at_once: int | None = None
) -> Moved | NotMoved:
    """Let the agent go on with what no one has claimed, since a budget's owner has raised it.

    Args:
        session: a write transaction that has locked the requester (`bot.store.tickets.shares`).
        handoff_id: the handoff.
        owner: the owner of the budget.
        review_id: the review in which they have raised it.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    moved = handoffs.go_on(session, handoff_id, owner, review_id=review_id, at_once=at_once)
    if isinstance(moved, Moved):
        handoff_messages.went_on(session, moved, owner)
    return moved


def resolve(
    session: Session, handoff_id: int, user: str, *, done: str, category: str, agent_could: bool, words: str = ""
) -> Moved | NotMoved:
    """End a handoff with what was done.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: who holds it.
        done: what was done.
        category: what it was, by its name in the agent's card.
        agent_could: the agent could have done it.
        words: the category as its card says it now.
    """
    moved = handoffs.resolve(
        session, handoff_id, user, done=done, category=category, agent_could=agent_could, words=words
    )
    if isinstance(moved, Moved):
        handoff_messages.resolved(session, moved, user)
    return moved


def cancel(session: Session, handoff_id: int, *, by: str) -> Moved | NotMoved:
    """End a handoff that no one has claimed: its requester no longer needs a person."""
    moved = handoffs.cancel(session, handoff_id, by=by)
    if isinstance(moved, Moved):
        handoff_messages.cancelled(session, moved)
    return moved


def expire(
    session: Session, handoff_id: int, *, holder: str, people: People | None, why: ExpiryCause = ExpiryCause.LEASE
) -> Moved | NotMoved:
    """End a claim whose time is over; the agent's people are called to take it.

    A handoff whose requester has deleted every word ends with it: there is nothing that the next holder could do.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        holder: who has it.
        people: the agent's; None where the agent is gone, and nobody may act on its tickets.
        why: why the claim ends.
    """
    moved = handoffs.expire(session, handoff_id, holder=holder, why=why)
    if not isinstance(moved, Moved):
        return moved
    log.warning("handoff.expired", handoff=handoff_id, holder=holder, why=why)
    if not tickets.has_words_left(session, moved.ticket.id):
        if isinstance(cancel(session, handoff_id, by=handoffs.CLOCK), Moved):
            log.info("handoff.withdrawn", handoff=handoff_id)
    elif people is None:
        handoff_messages.stranded(session, moved, holder)
    else:
        opens_at, call = _called(people)
        handoff_messages.expired(session, moved, holder, call=call, why=why, opens_at=opens_at)
    return moved


def warn(session: Session, handoff_id: int, *, lease_until: datetime) -> Moved | NotMoved:
    """Remind the holder that their claim ends soon, once for each lease."""
    moved = handoffs.warn(session, handoff_id, lease_until=lease_until)
    if isinstance(moved, Moved):
        handoff_messages.warned(session, moved)
    return moved


def escalate(
    session: Session,
    handoff: OpenHandoff,
    people: People,
    action: EscalationAction,
    *,
    taken: Sequence[EscalationAction],
) -> Moved | NotMoved:
    """Take one step for a handoff that nobody takes.

    Args:
        session: the open write transaction.
        handoff: the handoff, as it was found.
        people: the agent's.
        action: what is done.
        taken: the actions before it, since the handoff is open.
    """
    moved = handoffs.escalate(session, handoff.id, openings=handoff.openings, level=len(taken), action=action)
    if isinstance(moved, Moved):
        handoff_messages.escalated(
            session,
            moved,
            action,
            already=action is EscalationAction.MENTION
            and handoffs_due.called_since(session, moved.handoff, now() - CALLED),
            call=people.called,
            expected_minutes=people.expected_minutes,
            reminded=any(one.calls_responders for one in taken),
            opens_at=people.opens_at(now()),
        )
    return moved


def withhold(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Take what was said in private from a queue channel that others have come to read."""
    handoff_messages.hide(session, handoff, ticket)


def _shown(session: Session, moved: Moved | NotMoved) -> Moved | NotMoved:
    if isinstance(moved, Moved):
        handoff_messages.refresh(session, moved)
    return moved


def _called(people: People) -> tuple[datetime | None, tuple[str, ...]]:
    """Return when people are back, None while they are there, and who is called: nobody while they are away."""
    opens_at = people.opens_at(now())
    return opens_at, people.called if opens_at is None else ()

"""Writing an outcome down: the turn ends, the ticket is settled, a handoff gets all its context.

One transaction, so that a turn is never done without its outcome; what is then said in Slack is
added by the caller to the same transaction.
"""

from dataclasses import dataclass
from typing import Any

from bot.agent.desk import Desk
from bot.agent.loop import Handoff, Outcome, Reply
from bot.agent.thanks import is_thanks
from bot.principals import Subject
from bot.store import audit, handoffs, spending, steps, tickets, turns
from bot.store.db import Session
from bot.store.schema import Handoff as HandoffRow
from bot.store.schema import InboxEvent, Step, now
from bot.store.turns import Attempt


@dataclass(frozen=True, slots=True)
class Concluded:
    """What the outcome left to do."""

    spoken: bool
    "False when a person has taken the ticket meanwhile: the agent says nothing."
    next_turn: int | None
    handoff: HandoffRow | None
    parked: tuple[InboxEvent, ...]
    "Messages that came during the turn and go to the person."


def conclude(session: Session, desk: Desk, attempt: Attempt, subject: Subject, outcome: Outcome) -> Concluded:
    """End the turn.

    Raises:
        Fenced: another attempt has the turn; nothing is written.
    """
    ticket = tickets.lock(session, attempt.ticket.id)
    ticket.account = subject.account
    if ticket.state == "handed_off":
        turns.finish(session, attempt, outcome="withdrawn", reason=None, category=None, release=str(desk.release))
        parked = turns.parked_for_people(session, ticket.id)
        return Concluded(
            spoken=False, next_turn=None, handoff=handoffs.active(session, ticket.id), parked=tuple(parked)
        )
    match outcome:
        case Reply():
            following = _reply(session, desk, attempt, outcome)
            return Concluded(spoken=True, next_turn=following, handoff=None, parked=())
        case Handoff():
            handoff = _hand_off(session, desk, attempt, subject, outcome)
            parked = turns.parked_for_people(session, ticket.id)
            return Concluded(spoken=True, next_turn=None, handoff=handoff, parked=tuple(parked))


def _reply(session: Session, desk: Desk, attempt: Attempt, outcome: Reply) -> int | None:
    ticket, resolution = tickets.lock(session, attempt.ticket.id), outcome.resolution
    if resolution is not None:
        if ticket.resolved_at is not None:
            ticket.contradicted_at = now()
        ticket.category = resolution.category
        if resolution.closed:
            ticket.state, ticket.resolved_at = "resolved", now()
        audit.append(
            session,
            "ticket.resolved" if resolution.closed else "ticket.answered",
            actor=f"agent:{desk.release}",
            subject=ticket.requester,
            ticket_id=ticket.id,
            category=resolution.category,
        )
    elif ticket.resolved_at is not None and is_thanks(tickets.messages_of(session, attempt.turn_id)):
        ticket.state = "resolved"  # a thank-you opens nothing again
    category = None if resolution is None else resolution.category
    return turns.finish(session, attempt, outcome="reply", reason=None, category=category, release=str(desk.release))


def _hand_off(session: Session, desk: Desk, attempt: Attempt, subject: Subject, outcome: Handoff) -> HandoffRow:
    ticket = tickets.lock(session, attempt.ticket.id)
    if ticket.resolved_at is not None:
        ticket.contradicted_at = now()
    turns.finish(session, attempt, outcome="handoff", reason=outcome.reason, category=None, release=str(desk.release))
    return handoffs.open_for(
        session,
        ticket.id,
        turn_id=attempt.turn_id,
        reason=outcome.reason,
        summary=outcome.summary,
        context=context_of(session, ticket.id, accounts=len(subject.accounts)),
        queue_channel=desk.agent.card.handoff.queue_channel,
        actor=f"agent:{desk.release}",
    )


def context_of(session: Session, ticket_id: int, *, accounts: int | None) -> dict[str, Any]:
    """Gather what a person gets with a ticket: what was tried and returned, account state, cost so far.

    Args:
        session: the open transaction.
        ticket_id: the ticket.
        accounts: how many directory accounts match the requester, None when nobody looked.
    """
    taken = steps.of_ticket(session, ticket_id)
    tried = [[step.name, _in_words(step)] for step in taken if step.kind == "tool"]
    states = [
        s.response["content"]["status"] for s in taken if s.response and "status" in s.response.get("content", {})
    ]
    return {
        "tried": tried,
        "account": states[-1] if states else None,
        "accounts": accounts,
        "cost_nusd": spending.ticket_cost(session, ticket_id),
    }


def _in_words(step: Step) -> str:
    if step.response is None:
        return "no answer was seen"
    content: dict[str, Any] = step.response["content"]
    if "error" in content:
        return f"refused: {content['error']}"
    if "sign_ins" in content:
        failed = [entry for entry in content["sign_ins"] if not entry["ok"]]
        last = f", the last one because: {failed[0]['why']}" if failed else ""
        return f"{len(content['sign_ins'])} sign-ins, {len(failed)} failed{last}"
    said = ", ".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in content.items() if value is not None)
    return said or "done"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)

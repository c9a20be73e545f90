"""Every move of a handoff, together with the messages about it: each move is one function for all callers.

Invariant: a move and its messages are one transaction. Only this module makes the store's moves and posts about them,
so that no move is silent. Each function returns what the store's move returns: `Moved`, or `NotMoved` with the
handoff's state.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.agent.card import Agent
from bot.agent.context import context_of
from bot.escalation import EscalationAction
from bot.principals import Reason
from bot.responders.people import People
from bot.slack.handoffs import handoff_messages
from bot.slack.requesters.replies import Occasion
from bot.store.db import Session
from bot.store.handoffs import handoffs, handoffs_due
from bot.store.handoffs.handoffs_due import OpenHandoff
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import ExpiryCause, Handoff, HandoffContext, Ticket, now
from bot.store.tickets import tickets

log = structlog.get_logger()

CALLED = timedelta(minutes=5)
"The people on call are mentioned at most once in this time, however many handoffs wait."


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
    """Hand a ticket to an agent's people.

    Args:
        session: a transaction that has locked the ticket and ended the turn that was under way.
        ticket: the ticket, which has no open handoff.
        agent: the agent whose people get it.
        reason: why.
        summary: why, in words for the card.
        actor: who opens it.
        turn_id: the turn that ended with it, if one did.
        known: what the card shows beside the rows: the link to the requester's thread, and whether the words are
            withheld from the queue channel because they are private and others read there.
        occasion: how it came to that, which decides what the requester is told.
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
    """Post about a handoff that was opened in this transaction: the card, and the notice to the requester.

    Args:
        session: the transaction that opened the handoff.
        handoff: the handoff.
        ticket: its ticket.
        people: the agent's people, who get it.
        occasion: how it came to that, which decides what the requester is told.
        until: when a used-up budget resets, so that the agent may work again; None for another reason.
        footers: small print below the notice.
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
    """Claim an open handoff for a responder."""
    moved = handoffs.claim(session, handoff_id, user, lease_minutes=lease_minutes)
    if isinstance(moved, Moved):
        handoff_messages.claimed(session, moved, user)
    return moved


def renew(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Renew a claim, because its holder has written something."""
    return _refreshed(session, handoffs.renew(session, handoff_id, user, lease_minutes=lease_minutes))


def spoke(session: Session, handoff_id: int, user: str, *, lease_minutes: float, sent: bool = True) -> Moved | NotMoved:
    """Record that the holder has written to the requester, which renews the claim.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: the holder.
        lease_minutes: how long the claim lasts from now.
        sent: whether it was sent from the queue thread; then the next `>` there is sent without a question.
    """
    return _refreshed(session, handoffs.spoke(session, handoff_id, user, lease_minutes=lease_minutes, sent=sent))


def reassign(
    session: Session, handoff_id: int, *, holder: str, to: str, by: str, lease_minutes: float, why: str
) -> Moved | NotMoved:
    """Give a claim to another responder, who is told why."""
    moved = handoffs.reassign(session, handoff_id, holder=holder, to=to, by=by, lease_minutes=lease_minutes)
    if isinstance(moved, Moved):
        handoff_messages.reassigned(session, moved, by=by, holder=holder, why=why)
    return moved


def unclaim(session: Session, handoff_id: int, user: str, people: People) -> Moved | NotMoved:
    """End the holder's claim; the agent's people are called to take the handoff."""
    moved = handoffs.unclaim(session, handoff_id, user)
    if isinstance(moved, Moved):
        opens_at, call = _called(people)
        handoff_messages.unclaimed(session, moved, user, call=call, opens_at=opens_at)
    return moved


def give_back(session: Session, handoff_id: int, user: str, *, note: str) -> Moved | NotMoved:
    """Give a handoff back to the agent, with the holder's note to it."""
    moved = handoffs.give_back(session, handoff_id, user, note=note)
    if isinstance(moved, Moved):
        handoff_messages.returned(session, moved, user, note=note)
    return moved


def go_on(
    session: Session, handoff_id: int, owner: str, *, review_id: int, at_once: int | None = None
) -> Moved | NotMoved:
    """Give an unclaimed handoff back to the agent after a raise of its budget.

    Args:
        session: a write transaction that has locked the requester (`bot.store.tickets.shares`).
        handoff_id: the handoff.
        owner: the owner who raised the budget.
        review_id: the review in which they raised it.
        at_once: the most turns of one person that may be under way; None for no limit.
    """
    moved = handoffs.go_on(session, handoff_id, owner, review_id=review_id, at_once=at_once)
    if isinstance(moved, Moved):
        handoff_messages.went_on(session, moved, owner)
    return moved


def resolve(
    session: Session, handoff_id: int, user: str, *, done: str, category: str, agent_could: bool, words: str = ""
) -> Moved | NotMoved:
    """Resolve a handoff.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: the holder.
        done: what was done.
        category: the category's name in the agent's card.
        agent_could: whether the agent could have done it.
        words: the category's words in the card as it is now.
    """
    moved = handoffs.resolve(
        session, handoff_id, user, done=done, category=category, agent_could=agent_could, words=words
    )
    if isinstance(moved, Moved):
        handoff_messages.resolved(session, moved, user)
    return moved


def cancel(session: Session, handoff_id: int, *, by: str) -> Moved | NotMoved:
    """Cancel an unclaimed handoff, because its requester no longer needs a person."""
    moved = handoffs.cancel(session, handoff_id, by=by)
    if isinstance(moved, Moved):
        handoff_messages.cancelled(session, moved)
    return moved


def expire(
    session: Session, handoff_id: int, *, holder: str, people: People | None, why: ExpiryCause = ExpiryCause.LEASE
) -> Moved | NotMoved:
    """End a claim that is over; the agent's people are called to take the handoff.

    If the requester has deleted every message, the handoff is cancelled: the next holder could do nothing.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        holder: the holder.
        people: the agent's people; None when the agent is gone, so that nobody may act on its tickets.
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
    """NeedsPerson a handoff that nobody takes by one level.

    Args:
        session: the open write transaction.
        handoff: the open handoff, as it was read.
        people: the agent's people.
        action: what to do.
        taken: the actions taken since the handoff was opened.
    """
    moved = handoffs.escalate(session, handoff.id, openings=handoff.openings, level=len(taken), action=action)
    if isinstance(moved, Moved):
        handoff_messages.escalated(
            session,
            moved,
            action,
            already=action is EscalationAction.MENTION
            and handoffs_due.called_since(session, moved.handoff, now() - CALLED),
            call=people.mentioned,
            expected_minutes=people.expected_minutes,
            reminded=any(one.calls_responders for one in taken),
            opens_at=people.opens_at(now()),
        )
    return moved


def withhold(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Remove private words from a queue channel that others can now read."""
    handoff_messages.hide(session, handoff, ticket)


def _refreshed(session: Session, moved: Moved | NotMoved) -> Moved | NotMoved:
    if isinstance(moved, Moved):
        handoff_messages.refresh(session, moved)
    return moved


def _called(people: People) -> tuple[datetime | None, tuple[str, ...]]:
    """Return when people are back (None while they are there), and whom to call (nobody while they are away)."""
    opens_at = people.opens_at(now())
    return opens_at, people.mentioned if opens_at is None else ()

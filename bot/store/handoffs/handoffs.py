r"""The moves of a handoff, each made by `moves.make`, and queries about one.

    opened
      |
      v      claimed                        resolved
    open -----------------------> claimed -----------> resolved
    | ^ ^                          |  ^ |
    | | \--unclaimed, expired------/  | \--returned--> returned: the agent goes on with what the person wrote
    | \---escalated                   \---renewed, warned, reassigned (another holder)
    |--returned, by a raise: the agent goes on with an unclaimed handoff
    \--cancelled--> cancelled: the requester took it back

    resolved, returned or cancelled, and the requester comes back: a new handoff that names the one before

A ticket's assignee changes in the transaction of the move: a sender that reads the ticket before it sends
(`bot.store.outbox.deliveries.take`) sees the claim, and a message that a requester writes at that moment goes either to
the agent or to people. `bot.store.handoffs.handoff_history` replays the moves.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, literal_column, select
from sqlalchemy.orm import Session

from bot.escalation import EscalationAction
from bot.principals import NoRequest, Reason
from bot.store.handoffs import moves, responses, unblocked
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import (
    EndingRaise,
    ExpiryCause,
    Handoff,
    HandoffContext,
    HandoffState,
    MoveKind,
    Ticket,
    TicketState,
    now,
)
from bot.store.tickets import followers, ticket_messages, tickets

CLOCK = "clock"
"The actor of moves that the clock makes."
ACTIVE = Handoff.state.in_([literal_column("'open'"), literal_column("'claimed'")])
"Literally the condition of the partial index: with bound values SQLite would not use it."
_ACTIVE = select(Handoff).where(Handoff.ticket_id == bindparam("ticket"), ACTIVE)
_LAST = select(Handoff).where(Handoff.ticket_id == bindparam("ticket")).order_by(Handoff.id.desc()).limit(1)


def open_for(
    session: Session,
    ticket_id: int,
    *,
    turn_id: int | None,
    reason: Reason,
    summary: str,
    context: HandoffContext,
    queue_channel: str,
    actor: str,
) -> Handoff:
    """Hand a ticket to people; return its active handoff unchanged if it has one.

    Args:
        session: the open write transaction.
        ticket_id: the ticket.
        turn_id: the turn that ended with it, if any.
        reason: why, from the closed set.
        summary: one paragraph for the person who takes it.
        context: what the person gets with it.
        queue_channel: where responders are told.
        actor: who hands the ticket off.
    """
    ticket = tickets.lock(session, ticket_id)
    if (found := active(session, ticket_id)) is not None:
        return found
    before, at = last(session, ticket_id), now()
    handoff = Handoff(
        ticket_id=ticket_id,
        turn_id=turn_id,
        previous_id=None if before is None else before.id,
        reason=reason,
        summary=summary,
        context=context,
        queue_channel=queue_channel,
        waiting_since=ticket_messages.first_wait(session, ticket_id),
        open_since=at,
        opened_at=at,
    )
    session.add(handoff)
    followers.leave(session, ticket, why="person")
    ticket.state = TicketState.HANDED_OFF
    session.flush()
    moves.note_opened(session, handoff, actor, agent=ticket.agent)
    return handoff


def claim(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Claim an open handoff; of several responders one wins, and never the requester."""
    free = and_(Handoff.state == HandoffState.OPEN, Handoff.claimed_by.is_(None))
    at = now()
    held = {"claimed_by": user, "claimed_at": at, "lease_until": at + timedelta(minutes=lease_minutes)}
    moved = moves.make(
        session, handoff_id, MoveKind.CLAIMED, user, free, {"state": HandoffState.CLAIMED, **held}, not_of=(user,)
    )
    if isinstance(moved, Moved):
        moved.ticket.assignee = user
    return moved


def renew(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Renew a claim, because its holder has written something."""
    return moves.make(
        session, handoff_id, MoveKind.RENEWED, user, moves.held_by(user), moves.lease(lease_minutes), not_of=(user,)
    )


def spoke(session: Session, handoff_id: int, user: str, *, lease_minutes: float, sent: bool = True) -> Moved | NotMoved:
    """Note that the holder wrote to the requester: it renews the lease, and the first time is the first response.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: the holder.
        lease_minutes: how long the claim holds from now.
        sent: it was written in the queue thread; then the next `>` there need not be confirmed.
    """
    heard = {"first_response_at": func.coalesce(Handoff.first_response_at, now())} | ({"sent": True} if sent else {})
    values = moves.lease(lease_minutes) | heard
    return moves.make(
        session, handoff_id, MoveKind.RENEWED, user, moves.held_by(user), values, not_of=(user,), to_requester=True
    )


def reassign(
    session: Session, handoff_id: int, *, holder: str, to: str, by: str, lease_minutes: float
) -> Moved | NotMoved:
    """Give a claim to another responder, with a new lease; the requester may neither get it nor reassign it."""
    values = {"claimed_by": to, "claimed_at": now(), "sent": False} | moves.lease(lease_minutes)
    both, held = {"from": holder, "to": to}, moves.held_by(holder)
    moved = moves.make(session, handoff_id, MoveKind.REASSIGNED, by, held, values, not_of=(to, by), **both)
    if isinstance(moved, Moved):
        moved.ticket.assignee = to
    return moved


def unclaim(session: Session, handoff_id: int, user: str) -> Moved | NotMoved:
    """Give up a claim, so that any responder may claim the handoff again."""
    moved = moves.make(session, handoff_id, MoveKind.UNCLAIMED, user, moves.held_by(user), moves.open_again())
    return _unassigned(moved)


def expire(session: Session, handoff_id: int, *, holder: str, why: ExpiryCause = ExpiryCause.LEASE) -> Moved | NotMoved:
    """End a claim whose lease has expired, or whose holder has left or is no longer a responder."""
    over = (
        and_(moves.held_by(holder), Handoff.lease_until <= now()) if why is ExpiryCause.LEASE else moves.held_by(holder)
    )
    values = moves.open_again() | {"expiries": Handoff.expiries + 1}
    return _unassigned(moves.make(session, handoff_id, MoveKind.EXPIRED, CLOCK, over, values, why=why, holder=holder))


def warn(session: Session, handoff_id: int, *, lease_until: datetime) -> Moved | NotMoved:
    """Note that the holder is reminded that this lease expires soon, once for each lease."""
    due = and_(Handoff.state == HandoffState.CLAIMED, Handoff.lease_until == lease_until, Handoff.warned.is_(False))
    return moves.make(session, handoff_id, MoveKind.WARNED, CLOCK, due, {"warned": True})


def escalate(
    session: Session, handoff_id: int, *, openings: int, level: int, action: EscalationAction
) -> Moved | NotMoved:
    """Reach one escalation level, once for each opening of the handoff."""
    due = and_(Handoff.state == HandoffState.OPEN, Handoff.openings == openings, Handoff.escalation_level == level)
    return moves.make(
        session, handoff_id, MoveKind.ESCALATED, CLOCK, due, {"escalation_level": level + 1}, level=level, action=action
    )


def give_back(session: Session, handoff_id: int, user: str, *, note: str) -> Moved | NotMoved:
    """Give a handoff back to the agent, with a turn that answers the holder's note."""
    moved = _ended(session, handoff_id, HandoffState.RETURNED, user, moves.held_by(user), not_of=(user,))
    if isinstance(moved, NotMoved):
        return moved
    ticket = moved.ticket
    ticket.state, ticket.assignee = TicketState.OPEN, None
    turn = tickets.open_turn(session, ticket.id)
    responses.noted(session, ticket, turn, user=user, text=note, handoff_id=handoff_id)
    return replace(moved, turn_id=turn.id)


def go_on(
    session: Session, handoff_id: int, user: str, *, review_id: int, at_once: int | None = None
) -> Moved | NotMoved:
    """Let the agent go on with an unclaimed handoff, because the budget that blocked it was raised.

    The agent gets a turn that answers the messages of the blocked turn and those written since.

    Args:
        session: a write transaction that has locked the requester (`bot.store.tickets.shares`).
        handoff_id: the handoff.
        user: the owner of the budget.
        review_id: the review in which they raised it.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    free = and_(unblocked.FREE, Handoff.reason == Reason.BUDGET)
    moved = _ended(session, handoff_id, HandoffState.RETURNED, user, free, review=review_id)
    if isinstance(moved, NotMoved):
        return moved
    handoff = moved.handoff
    handoff.context = replace(handoff.context, raised=EndingRaise(user, review_id))
    return unblocked.with_turn(session, moved, at_once=at_once)


def resolve(
    session: Session, handoff_id: int, user: str, *, done: str, category: str, agent_could: bool, words: str = ""
) -> Moved | NotMoved:
    """Resolve a handoff; only its holder may.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: the holder.
        done: what was done, in their words.
        category: name of a category of the agent's card.
        agent_could: the agent could have done it.
        words: the category in words, as the card has it now; it is shown like that from now on.
    """
    resolution = {"done": done, "category": category, "agent_could": agent_could, **({"words": words} if words else {})}
    detail = {"category": category, "agent_could": agent_could}
    held, ending = moves.held_by(user), {"resolution": resolution}
    moved = _ended(session, handoff_id, HandoffState.RESOLVED, user, held, ending, not_of=(user,), **detail)
    if isinstance(moved, Moved):
        ticket = moved.ticket
        ticket.state, ticket.assignee, ticket.resolved_at, ticket.category = TicketState.RESOLVED, None, now(), category
    return moved


def cancel(session: Session, handoff_id: int, *, by: str) -> Moved | NotMoved:
    """Cancel an unclaimed handoff: its requester no longer needs a person."""
    moved = _ended(session, handoff_id, HandoffState.CANCELLED, by, Handoff.state == HandoffState.OPEN)
    if isinstance(moved, Moved):
        moved.ticket.state, moved.ticket.category = TicketState.RESOLVED, NoRequest.WITHDRAWN
    return moved


def find(session: Session, handoff_id: int) -> tuple[Handoff, Ticket] | None:
    """Return a handoff and its ticket, or None."""
    handoff = session.get(Handoff, handoff_id)
    return None if handoff is None else (handoff, session.get_one(Ticket, handoff.ticket_id))


def read_again(session: Session, handoff_id: int) -> Handoff:
    """Return a handoff, reloaded: others may have changed it before its ticket was locked."""
    return session.get_one(Handoff, handoff_id, populate_existing=True)


def active(session: Session, ticket_id: int) -> Handoff | None:
    """Return a ticket's open or claimed handoff, or None."""
    return session.scalars(_ACTIVE, {"ticket": ticket_id}).one_or_none()


def of_ticket(session: Session, ticket_id: int) -> Sequence[Handoff]:
    """Return the handoffs of a ticket, the oldest first."""
    return session.scalars(select(Handoff).where(Handoff.ticket_id == ticket_id).order_by(Handoff.id)).all()


def last(session: Session, ticket_id: int) -> Handoff | None:
    """Return the newest handoff of a ticket, or None."""
    return session.scalars(_LAST, {"ticket": ticket_id}).one_or_none()


def _ended(
    session: Session,
    handoff_id: int,
    state: HandoffState,
    actor: str,
    allowed: ColumnElement[bool],
    values: dict[str, Any] | None = None,
    *,
    not_of: Collection[str] = (),
    **detail: Any,
) -> Moved | NotMoved:
    end = {"state": state, "closed_at": now(), "lease_until": None, **(values or {})}
    return moves.make(session, handoff_id, MoveKind(state), actor, allowed, end, not_of=not_of, **detail)


def _unassigned(moved: Moved | NotMoved) -> Moved | NotMoved:
    if isinstance(moved, Moved):
        moved.ticket.assignee = None
    return moved

r"""Tickets given to people: the moves of a handoff, each made as `moves` says, and what is asked about one.

    opened
      |
      v      claimed                        resolved
    open -----------------------> claimed -----------> resolved
    | ^ ^                          |  ^ |
    | | \--unclaimed, expired------/  | \--returned--> returned: the agent goes on with what the person wrote
    | \---escalated        |
    |---returned, by a raise: the agent goes on with what no one has claimed
    |                                 \---renewed, warned, reassigned (another holder)
    \--cancelled--> cancelled: the requester took it back

    resolved, returned or cancelled, and the requester comes back: a new handoff that names the one before

A ticket's owner changes with the state of its handoff: a sender that reads the ticket before it speaks
(`bot.store.outbox.deliveries.take`) sees the claim, and what a requester writes in that very moment lands on one side.
`bot.store.handoffs.handoff_history` makes the present state out of the moves.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, select
from sqlalchemy.orm import Session

from bot.principals import NoRequest, Reason
from bot.store.handoffs import moves, responses
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import (
    EndingRaise,
    EscalationAction,
    ExpiryCause,
    Handoff,
    HandoffContext,
    HandoffState,
    MoveKind,
    Ticket,
    TicketState,
    now,
)
from bot.store.tickets import shares, ticket_messages, tickets, waiting_messages

CLOCK = "clock"
"The actor of moves that no person makes."
ACTIVE = Handoff.state.in_([literal_column("'open'"), literal_column("'claimed'")])
"In the very words of the partial index, which a bound value would keep SQLite from using."


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
    """Give a ticket to people; an open one of the same ticket is returned as it is.

    Args:
        session: the open write transaction.
        ticket_id: the ticket.
        turn_id: the turn that ended in it, if any.
        reason: why, from the closed set.
        summary: one paragraph for the person who takes it.
        context: what the person gets with it.
        queue_channel: where responders are told.
        actor: who hands off.
    """
    ticket = tickets.lock(session, ticket_id)
    found = active(session, ticket_id)
    if found is not None:
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
    ticket.state = TicketState.HANDED_OFF
    session.flush()
    moves.note(session, handoff, MoveKind.OPENED, actor, {"reason": reason})
    return handoff


def claim(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Take an open handoff; exactly one of many wins, and never the one who asked."""
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
    """Keep a claim for another while: its holder has written something."""
    return moves.make(
        session, handoff_id, MoveKind.RENEWED, user, moves.held_by(user), moves.lease(lease_minutes), not_of=(user,)
    )


def spoke(session: Session, handoff_id: int, user: str, *, lease_minutes: float, sent: bool = True) -> Moved | NotMoved:
    """Note a word of the holder to the requester: it renews the lease, the first one is measured.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: who spoke.
        lease_minutes: how long the claim holds from now.
        sent: from the queue thread; then the next `>` there is not asked about.
    """
    heard = {"first_response_at": func.coalesce(Handoff.first_response_at, now())} | ({"sent": True} if sent else {})
    values = moves.lease(lease_minutes) | heard
    return moves.make(
        session, handoff_id, MoveKind.RENEWED, user, moves.held_by(user), values, not_of=(user,), to_requester=True
    )


def reassign(
    session: Session, handoff_id: int, *, holder: str, to: str, by: str, lease_minutes: float
) -> Moved | NotMoved:
    """Give a claim to another responder, with a lease of its own; who asked neither gets it nor has a say in it."""
    values = {"claimed_by": to, "claimed_at": now(), "sent": False} | moves.lease(lease_minutes)
    both, held = {"from": holder, "to": to}, moves.held_by(holder)
    moved = moves.make(session, handoff_id, MoveKind.REASSIGNED, by, held, values, not_of=(to, by), **both)
    if isinstance(moved, Moved):
        moved.ticket.assignee = to
    return moved


def unclaim(session: Session, handoff_id: int, user: str) -> Moved | NotMoved:
    """Let go of a claim: anybody may take it again."""
    moved = moves.make(session, handoff_id, MoveKind.UNCLAIMED, user, moves.held_by(user), moves.open_again())
    return _unassigned(moved)


def expire(session: Session, handoff_id: int, *, holder: str, why: ExpiryCause = ExpiryCause.LEASE) -> Moved | NotMoved:
    """End a claim whose lease is over, or whose holder has left the workspace or is no longer a responder."""
    over = (
        and_(moves.held_by(holder), Handoff.lease_until <= now()) if why is ExpiryCause.LEASE else moves.held_by(holder)
    )
    values = moves.open_again() | {"expiries": Handoff.expiries + 1}
    return _unassigned(moves.make(session, handoff_id, MoveKind.EXPIRED, CLOCK, over, values, why=why, holder=holder))


def warn(session: Session, handoff_id: int, *, lease_until: datetime) -> Moved | NotMoved:
    """Note that the holder is reminded of the end of this lease; once for each."""
    due = and_(Handoff.state == HandoffState.CLAIMED, Handoff.lease_until == lease_until, Handoff.warned.is_(False))
    return moves.make(session, handoff_id, MoveKind.WARNED, CLOCK, due, {"warned": True})


def escalate(
    session: Session, handoff_id: int, *, openings: int, level: int, action: EscalationAction
) -> Moved | NotMoved:
    """Take one escalation level; each once for every time that the handoff came to be open."""
    due = and_(Handoff.state == HandoffState.OPEN, Handoff.openings == openings, Handoff.escalation_level == level)
    return moves.make(
        session, handoff_id, MoveKind.ESCALATED, CLOCK, due, {"escalation_level": level + 1}, level=level, action=action
    )


def give_back(session: Session, handoff_id: int, user: str, *, note: str) -> Moved | NotMoved:
    """Let the agent go on: it gets a turn that answers what the holder wrote to it."""
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
    """Let the agent go on with what no one has claimed, since the budget that it wanted for was raised.

    It gets a turn that answers the words which no budget had room for, and what was written since.

    Args:
        session: a write transaction that has locked the requester (`bot.store.tickets.shares`).
        handoff_id: the handoff.
        user: the owner of the budget.
        review_id: the review in which they have raised it.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    free = and_(Handoff.state == HandoffState.OPEN, Handoff.claimed_by.is_(None), Handoff.reason == Reason.BUDGET)
    moved = _ended(session, handoff_id, HandoffState.RETURNED, user, free, review=review_id)
    if isinstance(moved, NotMoved):
        return moved
    handoff, ticket = moved.handoff, moved.ticket
    handoff.context = replace(handoff.context, raised=EndingRaise(user, review_id))
    ticket.state, ticket.assignee = TicketState.OPEN, None
    full = at_once is not None and shares.under_way(session, ticket.team, ticket.requester) >= at_once
    turn = tickets.open_turn(session, ticket.id, held_back=full)
    since = handoff.opened_at
    refused = waiting_messages.unanswered(session, ticket.id, turn_id=handoff.turn_id, since=since)
    waiting_messages.fold(refused, turn.id)
    return replace(moved, turn_id=None if full else turn.id)


def resolve(
    session: Session, handoff_id: int, user: str, *, done: str, category: str, agent_could: bool, words: str = ""
) -> Moved | NotMoved:
    """End a handoff with what was done; only the one who holds it may.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        user: who holds it.
        done: what was done.
        category: what it was, by its name in the agent's card.
        agent_could: the agent could have done it.
        words: the category as its card said it then: what is over is shown so for good.
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
    """End a handoff that no one has claimed: its requester no longer needs a person."""
    moved = _ended(session, handoff_id, HandoffState.CANCELLED, by, Handoff.state == HandoffState.OPEN)
    if isinstance(moved, Moved):
        moved.ticket.state, moved.ticket.category = TicketState.RESOLVED, NoRequest.WITHDRAWN
    return moved


def find(session: Session, handoff_id: int) -> tuple[Handoff, Ticket] | None:
    """Return a handoff and its ticket."""
    handoff = session.get(Handoff, handoff_id)
    return None if handoff is None else (handoff, session.get_one(Ticket, handoff.ticket_id))


def read_again(session: Session, handoff_id: int) -> Handoff:
    """Return a handoff as its row says now: others may have changed it before its ticket was locked."""
    return session.get_one(Handoff, handoff_id, populate_existing=True)


def active(session: Session, ticket_id: int) -> Handoff | None:
    """Return the handoff that is open or claimed, if any."""
    query = select(Handoff).where(Handoff.ticket_id == ticket_id, ACTIVE)
    return session.scalars(query).one_or_none()


def of_ticket(session: Session, ticket_id: int) -> Sequence[Handoff]:
    """Return the handoffs of a ticket, the oldest first."""
    return session.scalars(select(Handoff).where(Handoff.ticket_id == ticket_id).order_by(Handoff.id)).all()


def last(session: Session, ticket_id: int) -> Handoff | None:
    """Return the newest handoff of a ticket."""
    query = select(Handoff).where(Handoff.ticket_id == ticket_id).order_by(Handoff.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


def fell_back(session: Session, handoff_id: int) -> None:
    """Note that the queue channel could not take the card, so that it goes on saying so."""
    handoff = session.get_one(Handoff, handoff_id, with_for_update=True)
    handoff.context = replace(handoff.context, fell_back=True)


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

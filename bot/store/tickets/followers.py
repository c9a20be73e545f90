"""The tickets that follow a surge: they join, leave, and get their turn when it is over.

Who waits is in the rows alone, and each change is made once under the ticket's lock: a clock or worker that dies
half-way loses nobody, and the next one tells nobody twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.schema import (
    FollowerState,
    InboxEvent,
    InboxKind,
    InboxState,
    Surge,
    Ticket,
    TicketState,
    Turn,
    TurnOutcome,
    TurnState,
)
from bot.store.tickets import shares, tickets, waiting_messages


@dataclass(frozen=True, slots=True)
class GoneOn:
    """A follower with which the agent goes on."""

    ticket: Ticket
    turn_id: int | None
    "The turn to queue; None: one is under way already, or is held back."
    tells: bool
    "Whether its requester is to be told: False if the agent has answered since the end."


def has_left(ticket: Ticket, surge_id: int) -> bool:
    """Return whether a ticket is not to be linked to a surge again."""
    return ticket.surge_id == surge_id and ticket.following is not FollowerState.WAITING


def join(session: Session, ticket: Ticket, surge_id: int) -> Surge | None:
    """Link a locked ticket to a surge under way; None if it is over by now, or the ticket has left it."""
    surge = session.get(Surge, surge_id, with_for_update={"read": True}, populate_existing=True)
    if surge is None or surge.over_at is not None or has_left(ticket, surge_id):
        return None
    if ticket.surge_id != surge_id:
        ticket.surge_id, ticket.following = surge_id, FollowerState.WAITING
        audit.append(
            session,
            "surge.joined",
            actor=f"agent:{surge.agent}",
            subject=ticket.requester,
            ticket_id=ticket.id,
            surge=surge_id,
        )
    return surge


def leave(session: Session, ticket: Ticket, *, why: str, surge_id: int | None = None) -> bool:
    """Let a locked ticket wait no longer; return False if it did not wait.

    Args:
        session: the open write transaction.
        ticket: the ticket.
        why: why, in a word for the audit log.
        surge_id: the surge that it is never to join; None: the one that it waits for.
    """
    if surge_id is None and ticket.following is not FollowerState.WAITING:
        return False
    ticket.surge_id, ticket.following = surge_id or ticket.surge_id, FollowerState.LEFT
    audit.append(session, "surge.left", actor=ticket.requester, ticket_id=ticket.id, surge=ticket.surge_id, why=why)
    return True


def waiting(session: Session, surge_id: int, *, most: int) -> Sequence[int]:
    """Return the ids of the tickets that wait for a surge, those that came first in front."""
    query = select(Ticket.id).where(Ticket.surge_id == surge_id, Ticket.following == FollowerState.WAITING)
    return session.scalars(query.order_by(Ticket.id).limit(most)).all()


def go_on(session: Session, ticket_id: int, surge_id: int, *, at_once: int | None) -> GoneOn | None:
    """Let the agent go on with a follower of a surge that is over; None if nothing is to be done.

    Args:
        session: a write transaction that has locked the requester (`bot.store.tickets.shares`).
        ticket_id: the follower.
        surge_id: the surge.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    ticket = tickets.lock(session, ticket_id)
    if ticket.surge_id != surge_id or ticket.following is not FollowerState.WAITING:
        return None
    if ticket.state is not TicketState.OPEN:
        leave(session, ticket, why=ticket.state)
        return None
    ticket.following = FollowerState.GONE_ON
    last = select(Turn.outcome).where(Turn.ticket_id == ticket_id, Turn.state == TurnState.DONE)
    answered = session.scalars(last.order_by(Turn.id.desc()).limit(1)).one_or_none() is not TurnOutcome.LINKED
    if answered and tickets.active(session, ticket_id) is None:
        return GoneOn(ticket, None, tells=False)
    return GoneOn(ticket, resume(session, ticket, at_once=at_once), tells=True)


def resume(session: Session, ticket: Ticket, *, at_once: int | None) -> int | None:
    """Give the agent a turn over what a follower wrote; return its id, or None if it is held back or under way."""
    known = tickets.active(session, ticket.id)
    if known is not None and tickets.has_begun(known):
        return None
    turn = known or shares.open_turn(session, ticket.id, ticket.team, ticket.requester, at_once=at_once)
    waiting_messages.fold(_unanswered(session, ticket.id), turn.id)
    return None if turn.held_back or known is not None else turn.id


def _unanswered(session: Session, ticket_id: int) -> Sequence[InboxEvent]:
    """Return the messages that were only linked to a surge, and are not deleted."""
    query = (
        select(InboxEvent)
        .join(Turn, Turn.id == InboxEvent.turn_id)
        .where(InboxEvent.ticket_id == ticket_id, InboxEvent.kind == InboxKind.MESSAGE)
        .where(InboxEvent.state != InboxState.WITHDRAWN, Turn.outcome == TurnOutcome.LINKED)
    )
    return session.scalars(query.order_by(InboxEvent.id)).all()

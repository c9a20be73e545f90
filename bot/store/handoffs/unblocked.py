"""Handoffs with which the agent goes on by itself, because what kept it from them is over.

Only an unclaimed one goes back. The agent gets a turn that answers the messages of the turn that was handed off, and
those written since.
"""

from dataclasses import replace

from sqlalchemy import and_
from sqlalchemy.orm import Session

from bot.store.handoffs import moves
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import FollowerState, Handoff, HandoffState, MoveKind, TicketState, now
from bot.store.tickets import shares, waiting_messages

FREE = and_(Handoff.state == HandoffState.OPEN, Handoff.claimed_by.is_(None))


def after_surge(session: Session, handoff_id: int, *, surge_id: int, at_once: int | None) -> Moved | NotMoved:
    """Let the agent go on with an unclaimed handoff, because the directory that it could not ask answers again.

    Args:
        session: a write transaction that has locked the requester (`bot.store.tickets.shares`).
        handoff_id: the handoff.
        surge_id: the surge that is over.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    end = {"state": HandoffState.RETURNED, "closed_at": now(), "lease_until": None}
    moved = moves.make(session, handoff_id, MoveKind.RETURNED, "clock", FREE, end, surge=surge_id)
    if isinstance(moved, NotMoved):
        return moved
    moved.ticket.following = FollowerState.GONE_ON
    return with_turn(session, moved, at_once=at_once)


def with_turn(session: Session, moved: Moved, *, at_once: int | None) -> Moved:
    """Give the agent the ticket of a handoff that is over, with a turn over all that is not answered."""
    handoff, ticket = moved.handoff, moved.ticket
    ticket.state, ticket.assignee = TicketState.OPEN, None
    turn = shares.open_turn(session, ticket.id, ticket.team, ticket.requester, at_once=at_once)
    since = handoff.opened_at
    left = waiting_messages.unanswered(session, ticket.id, turn_id=handoff.turn_id, since=since)
    waiting_messages.fold(left, turn.id)
    return replace(moved, turn_id=None if turn.held_back else turn.id)

"""Messages that wait for a turn, and how a turn takes them up."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, false, or_, select
from sqlalchemy.orm import Session

from bot.store.schema import InboxEvent, InboxKind, InboxState, Turn
from bot.store.sql import prebuilt

_PARKED = (
    select(InboxEvent.id)
    .where(InboxEvent.ticket_id == bindparam("ticket"), InboxEvent.state == InboxState.PARKED)
    .order_by(InboxEvent.id)
)


def parked(session: Session, ticket_id: int) -> Sequence[InboxEvent]:
    """Return the messages that wait for the turn of a ticket to end."""
    found = prebuilt.rows(session, _PARKED, ticket=ticket_id).scalars().all()
    return [session.get_one(InboxEvent, event_id) for event_id in found]


def fold(waiting: Sequence[InboxEvent], turn_id: int) -> None:
    """Assign waiting messages to a turn."""
    for event in waiting:
        event.turn_id, event.state = turn_id, InboxState.ACCEPTED


def parked_for_people(session: Session, ticket_id: int) -> Sequence[InboxEvent]:
    """Hand the messages that were parked behind a turn to people; return them."""
    events = parked(session, ticket_id)
    for event in events:
        event.state = InboxState.RELAYED
    return events


def unanswered(session: Session, ticket_id: int, *, turn_id: int | None, since: datetime) -> Sequence[InboxEvent]:
    """Return the messages of a turn that ended in a handoff, and what the requester has written since.

    Args:
        session: the open write transaction, which has locked the ticket.
        ticket_id: the ticket.
        turn_id: the turn; None: the handoff did not come from a turn.
        since: when the handoff was opened.
    """
    of_turn = false() if turn_id is None else InboxEvent.turn_id == turn_id
    begun = None if turn_id is None else session.get_one(Turn, turn_id).created_at
    relayed = and_(
        InboxEvent.state == InboxState.RELAYED, InboxEvent.kind == InboxKind.MESSAGE, InboxEvent.turn_id.is_(None)
    )
    later = and_(relayed, InboxEvent.received_at >= (begun or since))  # includes what was parked behind that turn
    query = select(InboxEvent).where(InboxEvent.ticket_id == ticket_id, InboxEvent.state != InboxState.WITHDRAWN)
    return session.scalars(query.where(or_(of_turn, later)).order_by(InboxEvent.id)).all()

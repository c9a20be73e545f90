"""The messages of a ticket, of both sides and in order."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from bot.store.schema import (
    InboxEvent,
    InboxKind,
    InboxState,
    Message,
    MessageKind,
    MessageState,
    now,
)
from bot.store.sql import prebuilt

_AT = select(InboxEvent).where(InboxEvent.channel == bindparam("channel"), InboxEvent.ts == bindparam("ts"))
_IS_AT = _AT.with_only_columns(InboxEvent.id)
_OF_TURN = (
    select(InboxEvent)
    .where(InboxEvent.turn_id == bindparam("turn"), InboxEvent.state != InboxState.WITHDRAWN)
    # A responder's note has no timestamp and opened its turn, so it comes first.
    .order_by(InboxEvent.ts.nulls_first(), InboxEvent.id)
)
_HEARD = select(InboxEvent).where(
    InboxEvent.ticket_id == bindparam("ticket"),
    InboxEvent.kind.in_((InboxKind.MESSAGE, InboxKind.ANSWER, InboxKind.NOTE, InboxKind.OVERHEARD)),
    InboxEvent.state.not_in((InboxState.WITHDRAWN, InboxState.PARKED)),
)
_SPOKEN = select(Message).where(
    Message.ticket_id == bindparam("ticket"),
    Message.kind.in_((MessageKind.REPLY, MessageKind.HUMAN_REPLY)),
    Message.state.in_((MessageState.STORED, MessageState.SENDING, MessageState.POSTED)),
)


def heard_at(session: Session, channel: str, ts: str) -> InboxEvent | None:
    """Return the message that was heard in a channel at a timestamp."""
    return session.scalars(_AT, {"channel": channel, "ts": ts}).one_or_none()


def is_heard(session: Session, channel: str, ts: str) -> bool:
    """Return whether the message in a channel at a timestamp was heard."""
    return prebuilt.rows(session, _IS_AT, channel=channel, ts=ts).one_or_none() is not None


def messages_of(session: Session, turn_id: int) -> Sequence[InboxEvent]:
    """Return the messages that a turn answers, in the order they were said."""
    return session.scalars(_OF_TURN, {"turn": turn_id}).all()


def said(session: Session, ticket_id: int, *, answered: bool = True) -> list[InboxEvent | Message]:
    """Return what anybody said in a ticket, the oldest first, without parked messages.

    Args:
        session: the open transaction.
        ticket_id: the ticket.
        answered: whether agent or responders may have said anything.
    """
    heard = session.scalars(_HEARD, {"ticket": ticket_id})
    spoken = session.scalars(_SPOKEN, {"ticket": ticket_id}) if answered else ()
    shown = [message for message in spoken if not message.body.get("deleted")]
    return sorted([*heard, *shown], key=said_at)


def first_wait(session: Session, ticket_id: int) -> datetime:
    """Return when the requester began to wait: their first message since the last answer, stop or cancellation."""
    ended = session.scalars(
        select(func.max(Message.created_at)).where(
            Message.ticket_id == ticket_id,
            or_(Message.key.startswith("stopped:"), Message.key.startswith("cancelled:")),
        )
    ).one()
    since: datetime | None = None
    for row in said(session, ticket_id):
        if not isinstance(row, InboxEvent) or row.kind is InboxKind.ANSWER:
            since = None
        elif row.kind is InboxKind.MESSAGE and (ended is None or row.received_at > ended):
            since = since or row.received_at
    return since or now()


def said_at(row: InboxEvent | Message) -> datetime:
    """Return when something was said."""
    return row.received_at if isinstance(row, InboxEvent) else row.created_at

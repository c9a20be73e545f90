"""Messages that were in doubt and have to be checked for duplicates; see `bot.slack.outbox.duplicates`."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.store.outbox import deliveries
from bot.store.schema import Message, MessageState, now
from bot.store.sql import prebuilt

_DUE = (
    select(Message.id)
    .where(Message.look_at <= bindparam("at"), Message.state.in_((MessageState.POSTED, MessageState.WITHDRAWN)))
    .order_by(Message.look_at)
    .limit(100)
)


def due(session: Session) -> Sequence[Message]:
    """Return the messages to check now, the longest due first."""
    found = prebuilt.rows(session, _DUE, at=now()).scalars().all()
    return [row for row in (session.get(Message, message_id) for message_id in found) if row is not None]


def looked(session: Session, message_id: int, found: Collection[str]) -> list[str]:
    """Compare a message with what Slack shows; return the timestamps of its duplicates, which will be deleted.

    Args:
        session: the open write transaction.
        message_id: the message.
        found: timestamps of everything in Slack that has its key.
    """
    message = session.get_one(Message, message_id, with_for_update=True, populate_existing=True)
    if message.look_at is None or message.state not in (MessageState.POSTED, MessageState.WITHDRAWN):
        return []  # another process has checked it, or it is being sent again
    message.look_at = None
    late = sorted(ts for ts in found if ts != message.ts)
    for ts in late:
        deliveries.take_back(session, message.key, channel=message.channel, ts=ts)
    return late

"""Messages that were in doubt and have to be checked for duplicates; see `bot.slack.outbox.duplicates`."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.outbox import deliveries
from bot.store.schema import Message, MessageState, now


def due(session: Session) -> Sequence[Message]:
    """Return the messages to check now, the longest due first."""
    query = select(Message).where(
        Message.look_at <= now(), Message.state.in_((MessageState.POSTED, MessageState.WITHDRAWN))
    )
    return session.scalars(query.order_by(Message.look_at).limit(100)).all()


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

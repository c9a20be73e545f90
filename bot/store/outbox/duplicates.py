"""What was said in doubt and has to be looked at once more; see `bot.slack.outbox.duplicates`."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.outbox import deliveries
from bot.store.schema import Message, MessageState, now


def due(session: Session) -> Sequence[Message]:
    """Return the messages to look at now, the longest due first."""
    query = select(Message).where(
        Message.look_at <= now(), Message.state.in_((MessageState.POSTED, MessageState.WITHDRAWN))
    )
    return session.scalars(query.order_by(Message.look_at).limit(100)).all()


def looked(session: Session, message_id: int, found: Collection[str]) -> list[str]:
    """Note what stands in Slack; return what is too much there, and is now owed to be deleted.

    Args:
        session: the open write transaction.
        message_id: the message.
        found: the ts of everything that carries its key.
    """
    message = session.get_one(Message, message_id, with_for_update=True, populate_existing=True)
    if message.look_at is None or message.state not in (MessageState.POSTED, MessageState.WITHDRAWN):
        return []  # somebody else has looked, or it is being said again
    message.look_at = None
    late = sorted(ts for ts in found if ts != message.ts)
    for ts in late:
        deliveries.take_back(session, message.key, channel=message.channel, ts=ts)
    return late

"""Messages of ours that people have deleted in Slack: they are sent again, and replies to the old one are heard."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.outbox import deliveries
from bot.store.outbox.messages import GONE
from bot.store.schema import Message, MessageKind, MessageState, now


def say_again(session: Session, message_id: int, ts: str) -> bool:
    """Send a message again that was deleted in Slack at `ts`; return False if it is no longer posted there.

    A sender that has it loses it. What is written in the thread of the old message is still heard as a reply to it.
    """
    message = session.get_one(Message, message_id, with_for_update=True, populate_existing=True)
    if message.state is not MessageState.POSTED or message.ts != ts or message.body.get("deleted"):
        return False
    if message.thread_of is None:
        of = {"kind": message.kind, "ticket_id": message.ticket_id, "handoff_id": message.handoff_id, "body": GONE}
        row = {"key": f"gone:{message.key}:{ts}", "lane": f"gone:{ts}", "state": MessageState.WITHDRAWN, **of}
        db.insert_new(session, Message, **row, channel=message.channel, ts=ts)
    message.state, message.ts, message.file_id, message.shown_revision = MessageState.STORED, None, None, 0
    message.attempts += 1
    message.due_at, message.error = now(), None
    return True


def move_replies(session: Session, message_id: int, *, kind: MessageKind) -> None:
    """Send the messages of a kind in the thread of a message again, below its new post, and delete the old ones."""
    below = select(Message).where(
        Message.thread_of == message_id, Message.kind == kind, Message.state == MessageState.POSTED
    )
    for reply in session.scalars(below.order_by(Message.id)).all():
        ts, file_id = str(reply.ts), reply.file_id
        if say_again(session, reply.id, ts):
            deliveries.take_back(session, reply.key, channel=reply.channel, ts=ts, file_id=file_id)

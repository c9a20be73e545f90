"""Messages of ours that somebody else has deleted in Slack: said again, and what is written below the old one heard."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.outbox import deliveries
from bot.store.outbox.messages import GONE
from bot.store.schema import Message, MessageKind, MessageState, now


def say_again(session: Session, message_id: int, ts: str) -> bool:
    """Let a message that no longer stands in Slack be said again, once; return False when it is not that one.

    A sender that had it in hand changes nothing of it from then on. What is written in the thread below the old one is
    still heard as below this one.
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
    """Let the messages of a kind below one that is said again be said below it there, and deleted where they stand."""
    below = select(Message).where(
        Message.thread_of == message_id, Message.kind == kind, Message.state == MessageState.POSTED
    )
    for reply in session.scalars(below.order_by(Message.id)).all():
        ts, file_id = str(reply.ts), reply.file_id
        if say_again(session, reply.id, ts):
            deliveries.take_back(session, reply.key, channel=reply.channel, ts=ts, file_id=file_id)

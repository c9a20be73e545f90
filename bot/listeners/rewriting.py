"""Reads Slack's edits and deletions for `bot.casework.rewriting`."""

from bot.casework import content
from bot.casework.blocks import Json
from bot.casework.heard import when
from bot.casework.rewriting import EditEvent
from bot.listeners.context import ListenerContext

BESIDE = frozenset({"blocks", "attachments", "files"})
"The fields with a message's content beside its text; an edit with none of them is about the text alone."


def read(ctx: ListenerContext, body: Json, message: Json, bot_user: str) -> EditEvent | None:
    """Return the edit or deletion of a message that an event is about, or None when the message is ours.

    Args:
        ctx: gives names of people and channels.
        body: the event with its envelope.
        message: the message as it is now; empty where it is gone.
        bot_user: our own id.
    """
    event = body["event"]
    ts = event.get("deleted_ts") or message.get("ts")
    if not ts or message.get("user") == bot_user:
        return None
    deleted = event.get("subtype") == "message_deleted" or message.get("subtype") == "tombstone"
    words = None if deleted else content.read(message, ctx.names, bot_user=bot_user)
    complete = event.get("subtype") == "message_changed" and not BESIDE.isdisjoint(message)  # unlike an `app_mention`
    return EditEvent(
        event_id=body["event_id"],
        channel=event["channel"],
        ts=ts,
        thread_ts=message.get("thread_ts"),
        text=None if words is None else words.text,
        edited_at=when(message.get("edited")),
        asks=content.mentions(message, bot_user),
        quoted=words.quoted if words is not None and complete else None,
    )

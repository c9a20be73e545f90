"""Drops Slack's events about our own acts, except that a message of ours was deleted.

Bolt would drop that one too, and a card that an administrator deletes would be gone for good.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt import BoltResponse
    from slack_bolt.async_app import AsyncBoltRequest

KEPT = frozenset({"member_joined_channel", "member_left_channel"})
"Events about our own joining and leaving of channels, which Bolt does not drop either."


async def drop_own(request: "AsyncBoltRequest") -> "BoltResponse | None":
    """Acknowledge a request about our own acts; None: it is about something else."""
    context = request.context
    return await context.ack() if is_own(request.body, context.bot_user_id, context.bot_id) else None


def is_own(body: dict[str, Any], bot_user: str | None, bot_id: str | None) -> bool:
    """Return whether an event is about an act of our own, and to be dropped.

    Args:
        body: a request from Slack.
        bot_user: our user id.
        bot_id: the id on all our messages, those under a responder's name included.
    """
    event = body.get("event")
    if not isinstance(event, dict) or event.get("type") in KEPT or event.get("subtype") == "message_deleted":
        return False
    changed = event.get("message")
    about = changed if event.get("subtype") == "message_changed" and isinstance(changed, dict) else event
    if about.get("subtype") == "tombstone":
        return False
    by_user = bot_user is not None and about.get("user") == bot_user
    return by_user or (bot_id is not None and about.get("bot_id") == bot_id)

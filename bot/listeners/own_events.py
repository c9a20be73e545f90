"""What Slack tells us of ourselves: acknowledged and left, but for this, that a message of ours was deleted.

Bolt would keep that from us too, so that a card which an administrator removes would be gone for good.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from collections.abc import Awaitable, Callable

    from slack_bolt import BoltResponse
    from slack_bolt.async_app import AsyncAck, AsyncApp

KEPT = frozenset({"member_joined_channel", "member_left_channel"})
"Where we come and go, as Bolt keeps them too."


def register(app: "AsyncApp") -> None:
    """Put this before every listener of an app."""

    @app.middleware
    async def leave_own(
        body: dict[str, Any],
        context: dict[str, Any],
        ack: "AsyncAck",
        next_: "Callable[[], Awaitable[BoltResponse]]",
    ) -> "BoltResponse":
        return await (ack() if is_own(body, context.get("bot_user_id"), context.get("bot_id")) else next_())


def is_own(body: dict[str, Any], bot_user: str | None, bot_id: str | None) -> bool:
    """Return whether an event is of what we have done ourselves.

    Args:
        body: a request of Slack's.
        bot_user: our user id.
        bot_id: what marks our messages, those under a responder's name too.
    """
    event = body.get("event")
    if not isinstance(event, dict) or event.get("type") in KEPT or event.get("subtype") == "message_deleted":
        return False
    changed = event.get("message")
    said = changed if event.get("subtype") == "message_changed" and isinstance(changed, dict) else event
    if said.get("subtype") == "tombstone":
        return False
    ours = (bot_user is not None and said.get("user") == bot_user, bot_id is not None and said.get("bot_id") == bot_id)
    return any(ours)

"""reactions.*: emoji on messages."""

from typing import Any

from bot.sandbox.methods.registry import MethodCall, SlackError, method
from bot.sandbox.slack.events import for_slack
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel


@method("reactions.add", "reactions:write")
def add(call: MethodCall) -> Json:
    """Put an emoji on a message."""
    channel, message, name = _target(call)
    bot = call.world.seed.bot.id
    users: list[str] = _users(message, name)
    if bot in users:
        raise SlackError("already_reacted")
    _set(call, channel, message, name, [*users, bot])
    return {}


@method("reactions.remove", "reactions:write")
def remove(call: MethodCall) -> Json:
    """Remove the bot's emoji from a message."""
    channel, message, name = _target(call)
    bot = call.world.seed.bot.id
    users = _users(message, name)
    if bot not in users:
        raise SlackError("no_reaction")
    _set(call, channel, message, name, [user for user in users if user != bot])
    return {}


@method("reactions.get", "reactions:read")
def get(call: MethodCall) -> Json:
    """Return a message with its reactions."""
    channel, message, _name = _target(call, named=False)
    return {"type": "message", "channel": channel.id, "message": for_slack(message)}


def _target(call: MethodCall, *, named: bool = True) -> tuple[Channel, Json, str]:
    channel = call.channel()
    if not call.is_member(channel):
        raise SlackError("not_in_channel")
    name = (call.required("name") if named else "").strip(":")
    message = channel.messages.get(call.required("timestamp"))
    if message is None or message.get("deleted"):
        raise SlackError("message_not_found")
    if named and not name.replace("_", "").replace("-", "").replace("+", "").replace(":", "").isalnum():
        raise SlackError("invalid_name")
    return channel, message, name


def _users(message: Json, name: str) -> list[str]:
    found: list[Any] = [one["users"] for one in message.get("reactions", ()) if one["name"] == name]
    return list(found[0]) if found else []


def _set(call: MethodCall, channel: Channel, message: Json, name: str, users: list[str]) -> None:
    others = [one for one in message.get("reactions", ()) if one["name"] != name]
    mine = [{"name": name, "users": users, "count": len(users)}] if users else []
    reactions = [*others, *mine] or None
    call.world.state.replace(channel, message["ts"], kind="reaction", reactions=reactions)

"""conversations.*: channels, their members, and their messages."""

from bot.sandbox.methods.registry import MethodCall, SlackError, method, page
from bot.sandbox.slack.events import for_slack
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel

_TYPES = {"channel": "public_channel", "group": "private_channel", "im": "im"}


@method("conversations.info", family="read")
def info(call: MethodCall) -> Json:
    """Describe a channel."""
    return {"channel": _card(call, call.channel())}


@method("conversations.list", "channels:read", tier=2)
def list_channels(call: MethodCall) -> Json:
    """List the channels of the given types that the bot can know."""
    types = set((call.text("types") or "public_channel").replace(" ", "").split(","))
    found = [
        _card(call, channel)
        for channel in call.world.state.channels.values()
        if _TYPES[channel.kind] in types
        and (channel.kind == "channel" or call.is_member(channel))
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]
    channels, metadata = page(found, call)
    return {"channels": channels, "response_metadata": metadata}


@method("conversations.members", family="read", tier=4)
def members(call: MethodCall) -> Json:
    """List the members of a channel."""
    channel = call.channel()
    active = channel.members - call.world.state.deleted_users
    rows, metadata = page([{"id": user} for user in sorted(active)], call)
    return {"members": [row["id"] for row in rows], "response_metadata": metadata}


@method("conversations.history", family="history")
def history(call: MethodCall) -> Json:
    """List the messages of a channel, newest first, without replies."""
    channel = _readable(call)
    messages = [
        message
        for message in channel.messages.values()
        if message.get("thread_ts") in {None, message["ts"]} or message.get("subtype") == "thread_broadcast"
    ]
    shown, metadata = page([*reversed(_between(call, messages))], call)
    return {
        "messages": [_shown(call, message) for message in shown],
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


@method("conversations.replies", family="history")
def replies(call: MethodCall) -> Json:
    """List a thread, oldest first, with its parent first on every page."""
    channel = _readable(call)
    ts = call.world.state.parent_ts(channel, call.required("ts"))
    if ts is None or ts not in channel.messages:
        raise SlackError("thread_not_found")
    parent, *rest = call.world.state.thread(channel, ts)
    shown, metadata = page(_between(call, rest), call, default=1000)
    return {
        "messages": [_shown(call, message) for message in [parent, *shown]],
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


@method("conversations.open", "im:write")
def open_conversation(call: MethodCall) -> Json:
    """Open the direct conversation with one person."""
    if call.text("channel") is not None:
        channel = call.channel()
    else:
        users = call.required("users").split(",")
        if len(users) > 1:
            raise SlackError("missing_scope", needed="mpim:write", provided=_provided(call))
        if call.world.seed.person(users[0]) is None:
            raise SlackError("user_not_found")
        if users[0] in call.world.state.deleted_users:
            raise SlackError("user_disabled")
        channel = call.world.state.dm(users[0])
    return {"channel": _card(call, channel) if call.flag("return_im") else {"id": channel.id}}


def _readable(call: MethodCall) -> Channel:
    channel = call.channel()
    if not call.is_member(channel):
        raise SlackError("not_in_channel")
    return channel


def _between(call: MethodCall, messages: list[Json]) -> list[Json]:
    oldest, latest = call.text("oldest") or "0", call.text("latest") or "9" * 12
    inclusive = call.flag("inclusive")
    try:
        low, high = float(oldest), float(latest)
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    return [
        message
        for message in messages
        if low < float(message["ts"]) < high or (inclusive and message["ts"] in {oldest, latest})
    ]


def _shown(call: MethodCall, message: Json) -> Json:
    return for_slack(message, metadata=call.flag("include_all_metadata"))


def _provided(call: MethodCall) -> str:
    return ",".join(sorted(call.world.manifest.scopes))


def _card(call: MethodCall, channel: Channel) -> Json:
    card: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_im": channel.is_im,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_private": channel.is_private or channel.is_im,
        "is_mpim": False,
        "is_general": False,
        "is_shared": channel.is_shared,
        "is_ext_shared": channel.is_shared,
        "is_org_shared": False,
        "context_team_id": call.world.seed.team.id,
    }
    if channel.is_im:
        other = next(iter(channel.members - {call.world.seed.bot.id}))
        return {**card, "user": other, "is_open": True}
    return {
        **card,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_member": call.is_member(channel),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }

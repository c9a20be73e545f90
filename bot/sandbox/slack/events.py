"""The events that the bot gets, in Slack's format, and whether it gets them at all.

An event is sent only if the manifest subscribes to it and, for an event in a channel, if the bot is a member there. A
mention in a channel is two events, `app_mention` and `message`, with one ts. Deleting a message with replies is no
`message_deleted`: the message changes into a tombstone.
"""

import re
import time
from typing import Any

from bot.sandbox.slack import richtext
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.seed import Json, Manifest, Seed
from bot.sandbox.slack.state import Channel

_PLURAL = {"im": "message.im", "group": "message.groups", "channel": "message.channels"}
_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "user_change": "users:read",
}
"""The scopes that an app needs before it gets an event; an event that is not named here needs none."""
_ONLY_OURS = ("reply_count", "reply_users", "latest_reply", "streaming", "deleted")


def for_slack(message: Json, *, metadata: bool = True) -> Json:
    """Return a stored message in the form of the Web API and events."""
    shown = {key: value for key, value in message.items() if key not in {"streaming", "deleted"}}
    # An app that posts under a name of its choice is a bot without a user.
    shown.pop("user" if message.get("subtype") == "bot_message" else "username", None)
    if not shown.get("blocks"):
        shown.pop("blocks", None)
        if message.get("client_msg_id") and message.get("text"):
            shown["blocks"] = richtext.blocks(message["text"])
    if "reply_count" in message:
        shown["reply_users_count"] = len(message.get("reply_users", ()))
    if not metadata:
        shown.pop("metadata", None)
    return shown


def message_events(seed: Seed, channel: Channel, message: Json, *, sender: str) -> list[Json]:
    """Return the events of a new message: `message`, and `app_mention` if it mentions the bot.

    Args:
        seed: the workspace's people and bot.
        channel: where it was posted.
        message: the message as it is stored.
        sender: the author's workspace, which three fields name if the channel is shared with another workspace.
    """
    plain = {key: value for key, value in for_slack(message).items() if key not in _ONLY_OURS}
    team = {} if "files" in message else {"team": sender}
    shared = {"user_team": sender, "source_team": sender, "user_profile": {"team": sender}} if channel.is_shared else {}
    event = {
        **plain,
        **team,
        **shared,
        "channel": channel.id,
        "event_ts": message["ts"],
        "channel_type": channel.kind,
    }
    if channel.is_im or not _names(seed, message):
        return [event]
    # Only the `message` event has the files of a mention.
    mention = {key: value for key, value in event.items() if key not in {"channel_type", "subtype", "files", "upload"}}
    return [{**mention, "type": "app_mention"}, event]


def edit_events(seed: Seed, channel: Channel, new: Json, old: Json, *, sender: str, event_ts: str) -> list[Json]:
    """Return the events of an edit: `message_changed`, and `app_mention` if the edit adds the mention of the bot."""
    changed = message_changed(channel, new, old, event_ts)
    if channel.is_im or "edited" not in new or not _names(seed, new) or _names(seed, old):
        return [changed]
    mention, _ = message_events(seed, channel, new, sender=sender)
    return [changed, mention]


def _names(seed: Seed, message: Json) -> bool:
    """Return whether a message mentions the bot."""
    return re.search(rf"<@{seed.bot.id}(\|[^>]*)?>", message.get("text", "")) is not None


def message_changed(channel: Channel, new: Json, old: Json, event_ts: str) -> Json:
    """Return the event of an edit, or of a parent that became a tombstone."""
    teams = {"source_team": new["team"], "user_team": new["team"]} if "team" in new else {}
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "message": {**for_slack(new), **teams},
        "previous_message": for_slack(old),
        "channel": channel.id,
        "ts": event_ts,
        "event_ts": event_ts,
        "channel_type": channel.kind,
    }


def message_deleted(channel: Channel, old: Json, event_ts: str) -> Json:
    """Return the event of a deletion."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "deleted_ts": old["ts"],
        "previous_message": for_slack(old),
        "channel": channel.id,
        "ts": event_ts,
        "event_ts": event_ts,
        "channel_type": channel.kind,
    }


def home_opened(user: str, channel: str, tab: str, view: Json | None, event_ts: str) -> Json:
    """Return the event of a person opening the app's Home or Messages tab."""
    event = {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab, "event_ts": event_ts}
    return {**event, "view": view} if view and tab == "home" else event


def user_changed(card: Json, event_ts: str) -> Json:
    """Return the event of a member's changed account, with the card that `users.info` now shows."""
    return {"type": "user_change", "user": card, "cache_ts": int(time.time()), "event_ts": event_ts}


def member_joined(seed: Seed, channel: Channel, user: str, event_ts: str) -> Json:
    """Return the event of somebody joining a channel."""
    return {
        "type": "member_joined_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "G" if channel.is_private else "C",
        "team": seed.team.id,
        "event_ts": event_ts,
    }


def session_stopped(user: str, channel: str, thread_ts: str, streams: list[str], event_ts: str) -> Json:
    """Return the event of a person pressing the stop button of an agent session."""
    return {
        "type": "agent_session_stopped",
        "user": user,
        "channel": channel,
        "thread_ts": thread_ts,
        "streaming_message_ts": streams,
        "event_ts": event_ts,
    }


def rate_limited(seed: Seed) -> Json:
    """Return Slack's notice of dropped events; it is not an event itself, and needs no subscription."""
    minute = int(time.time()) // 60 * 60
    told = {"token": "local-workspace", "type": "app_rate_limited", "team_id": seed.team.id}
    return {**told, "minute_rate_limited": minute, "api_app_id": seed.bot.app_id}


def is_heard(manifest: Manifest, seed: Seed, channel: Channel | None, event: Json) -> bool:
    """Return whether the app subscribes to this event, has its scope, and may see where it happened."""
    if channel is not None and seed.bot.id not in channel.members:
        return False
    kind = event["type"]
    name = _PLURAL[channel.kind] if kind == "message" and channel is not None else kind
    scope = _SCOPES.get(name)
    return name in manifest.events and (scope is None or scope in manifest.scopes)


def envelope(seed: Seed, event: Json, *, shared: bool) -> Json:
    """Wrap an event as Slack sends it.

    `authorizations` names the installation that it is for: in a channel that is shared with another organisation, the
    outer team may be the sender's.
    """
    authorization: dict[str, Any] = {
        "enterprise_id": None,
        "team_id": seed.team.id,
        "user_id": seed.bot.id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": "local-workspace",
        "team_id": event.get("user_team", seed.team.id),
        "context_team_id": seed.team.id,
        "context_enterprise_id": None,
        "api_app_id": seed.bot.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [authorization],
        "is_ext_shared_channel": shared,
    }

"""Turns a message of Slack into a `Heard`, whether it came as an event or a worker read it in a thread."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot import admission
from bot.admission import NotAdmitted
from bot.casework import content
from bot.casework.blocks import Json
from bot.markup import Name
from bot.rights import Membership
from bot.store.tickets.tickets import Heard

SHOWN = ("type", "subtype", "user", "bot_id", "text", "blocks", "attachments", "ts", "thread_ts", "files")
"""Fields that are read of a message in Slack. Its team is not: in an Enterprise organisation it may be any of its
author's workspaces, and the turn looks its author up anyway."""
HEARD_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})
_BROKEN = re.compile("[\x00\ud800-\udfff]")
"What no database can hold but JSON may contain: NUL, and lone surrogates."
TIMESTAMP = re.compile(r"\d{1,12}(\.\d{1,9})?")
"A time by Slack's clock, in seconds since 1970."


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """A message with what is known of its sender before it is stored."""

    heard: Heard
    marked: str
    "Its text with Slack's markup for mentions and links."
    called: bool
    "Whether it mentions the bot."
    membership: Membership = Membership.UNCHECKED
    "What Slack says now of its sender, if they have a role."
    barred: NotAdmitted | None = None
    "Why the event itself shows that its sender does not belong to us, or None."
    edited_at: str = ""
    "The time of its last edit by Slack's clock; empty when it was not edited."


def is_said(message: Mapping[str, Any]) -> bool:
    """Return whether a user other than Slackbot wrote a message."""
    user = message.get("user")
    return message.get("subtype") in HEARD_SUBTYPES and bool(user) and user != admission.SLACKBOT


def is_persons(message: Mapping[str, Any], bot_user: str, is_app: Callable[[str], bool | None]) -> bool:
    """Return whether a person wrote a message, perhaps through an app.

    While Slack does not say whether the user is an app, it counts as a person; the turn looks them up in any case.
    """
    if not is_said(message) or message["user"] == bot_user:
        return False
    return not message.get("bot_id") or is_app(message["user"]) is not True


def heard(message: Json, name: Name, *, event_id: str, team: str, channel: str, bot_user: str) -> Heard:
    """Return a message as a `Heard`.

    Args:
        message: the message of an event or of the Web API.
        name: gives names of people and channels; no transaction may be open.
        event_id: the id of this delivery.
        team: the workspace whose installation got it.
        channel: its channel.
        bot_user: the bot's user id, whose mention is left out of the text.
    """
    words = content.read(message, name, bot_user=bot_user)
    return Heard(
        event_id=event_id,
        team=team,
        channel=channel,
        ts=message["ts"],
        thread_ts=message.get("thread_ts"),
        user=message["user"],
        text=words.text,
        files=words.files,
        private=message.get("channel_type") == "im" or channel.startswith("D"),
        quoted=words.quoted,
        spoken=words.spoken,
    )


def read_again(message: Json, name: Name, *, team: str, channel: str, bot_user: str) -> HeardMessage:
    """Return a message that a worker read in Slack; nothing is known of its sender."""
    shown: Json = storable({field: message[field] for field in SHOWN if field in message})
    event_id = id_of_read(channel, shown["ts"])
    one = heard(shown, name, event_id=event_id, team=team, channel=channel, bot_user=bot_user)
    return HeardMessage(one, marked=shown.get("text") or "", called=content.mentions(shown, bot_user))


def id_of_read(channel: str, ts: str) -> str:
    """Return the event id of a message that a worker read in Slack, which has no event."""
    return f"thread:{channel}:{ts}"


def storable(value: Any) -> Any:
    """Return a JSON value without nulls, and without characters that no database can hold."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode() if _BROKEN.search(value) else value
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items() if one is not None}
    return [storable(one) for one in value if one is not None] if isinstance(value, list) else value


def when(edited: object) -> str:
    """Return the time in Slack's field `edited`; empty when there is none."""
    at = edited.get("ts") if isinstance(edited, dict) else None
    return at if isinstance(at, str) and TIMESTAMP.fullmatch(at) else ""

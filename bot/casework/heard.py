"""A message as Slack delivers it or shows it, read into what is heard.

The web process is told of it by an event, a worker finds it in a thread; from here on it is the same value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot import admission
from bot.admission import NotAdmitted
from bot.casework import said
from bot.casework.blocks import Json
from bot.markup import Name
from bot.rights import Membership
from bot.store.tickets.tickets import Heard

SHOWN = ("type", "subtype", "user", "bot_id", "text", "blocks", "attachments", "ts", "thread_ts", "files")
"""Of a message that is read in Slack; in an Enterprise organisation its team may be any of its author's, whom the turn
looks up anyway."""
HEARD_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})
_BROKEN = re.compile("[\x00\ud800-\udfff]")
"What no database can hold: NUL, and halves of characters. JSON may have both."
MOMENT = re.compile(r"\d{1,12}(\.\d{1,9})?")
"A time by Slack's clock."


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """What somebody has said, and what is known of them and of where they said it before anything is made of it."""

    heard: Heard
    marked: str
    "Its text as Slack has it, with its marks for mentions and links."
    called: bool
    "It mentions the bot."
    membership: Membership = Membership.UNCHECKED
    "What Slack says now of who says it, where they have a role."
    barred: NotAdmitted | None = None
    "What its event itself says against who says it."
    edited_at: str = ""
    "By Slack's clock; empty where it is as it was first said."


def is_said(message: Mapping[str, Any]) -> bool:
    """Return whether a message is the words of a user other than Slackbot."""
    user = message.get("user")
    return message.get("subtype") in HEARD_SUBTYPES and bool(user) and user != admission.SLACKBOT


def is_persons(message: Mapping[str, Any], bot_user: str, is_app: Callable[[str], bool | None]) -> bool:
    """Return whether a message is a person's words: they may write through an app, which is no user of its own.

    While Slack does not say what such a user is, it counts as a person's: the turn looks up who asks in any case.
    """
    if not is_said(message) or message["user"] == bot_user:
        return False
    return not message.get("bot_id") or is_app(message["user"]) is not True


def heard(message: Json, name: Name, *, event_id: str, team: str, channel: str, bot_user: str) -> Heard:
    """Return a message as it is heard.

    Args:
        message: as an event or the Web API has it.
        name: what people and channels are called; asked with no transaction open.
        event_id: what tells this delivery of it from others.
        team: the workspace whose installation it was told to.
        channel: where it was said.
        bot_user: the bot, whose mention is left out.
    """
    words = said.read(message, name, bot_user=bot_user)
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
    """Return a message that was read in Slack, and not told by an event; nothing is known of who says it."""
    shown: Json = storable({field: message[field] for field in SHOWN if field in message})
    event_id = id_of_read(channel, shown["ts"])
    one = heard(shown, name, event_id=event_id, team=team, channel=channel, bot_user=bot_user)
    return HeardMessage(one, marked=shown.get("text") or "", called=said.mentions(shown, bot_user))


def id_of_read(channel: str, ts: str) -> str:
    """Return the id of what was read in Slack, and not told by an event."""
    return f"thread:{channel}:{ts}"


def storable(value: Any) -> Any:
    """Return a JSON value with texts that can be stored, and without what is null."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode() if _BROKEN.search(value) else value
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items() if one is not None}
    return [storable(one) for one in value if one is not None] if isinstance(value, list) else value


def when(edited: object) -> str:
    """Return when an edit was made, by what Slack says in `edited`; empty when it does not say."""
    at = edited.get("ts") if isinstance(edited, dict) else None
    return at if isinstance(at, str) and MOMENT.fullmatch(at) else ""

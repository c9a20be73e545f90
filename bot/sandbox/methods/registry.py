"""How a Web API method is declared: its name, its scopes and its rate tier; and what it is called with.

A method is a function from a `MethodCall` to the fields of the answer; it raises `SlackError` with Slack's own name for
the error.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack import blocks as block_rules
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel
from bot.sandbox.slack.world import World

MESSAGE_CHARACTERS = 40_000
_FAMILY = {"channel": "channels", "group": "groups", "im": "im"}


class SlackError(Exception):
    """A refused call, with Slack's name for the reason.

    Attributes:
        fields: the other fields of the answer.
    """

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One call of a method, by the bot unless it says otherwise."""

    world: World
    args: Mapping[str, Any]
    base_url: str
    """The workspace's own address, without a slash at the end."""
    by_person: bool = False
    """Whether it comes with a person's token."""

    def text(self, name: str) -> str | None:
        """Return an argument as text, or None if it is absent or empty."""
        value = self.args.get(name)
        return None if value is None or value == "" else str(value)

    def required(self, name: str) -> str:
        """Return a required argument."""
        value = self.text(name)
        if value is None:
            message = f"[ERROR] missing required field: {name}"
            raise SlackError("invalid_arguments", response_metadata={"messages": [message]})
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean argument, in any spelling."""
        return str(self.args.get(name, "")).lower() in {"1", "true", "yes"}

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number between 1 and `most`."""
        value = self.text(name)
        try:
            number = default if value is None else int(value)
        except ValueError:
            raise SlackError("invalid_arguments") from None
        if number < 1:
            raise SlackError("invalid_limit")
        return min(number, most)

    def decoded(self, name: str) -> Any:
        """Return an argument that is JSON, or a string with JSON in it."""
        value = self.args.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(f"invalid_{name}_format" if name == "blocks" else "invalid_json") from None

    def channel(self, name: str = "channel", *, or_person: bool = False) -> Channel:
        """Return the channel that an argument names, if the bot can know it; a person means their direct messages."""
        given = self.text(name) or ""
        is_person = or_person and self.world.seed.person(given) is not None
        channel = self.world.state.dm(given) if is_person else find_channel(self.world, given)
        if channel is None or (channel.is_private and not self.is_member(channel)):
            raise SlackError("channel_not_found")
        return channel

    def open_channel(self, name: str = "channel", *, or_person: bool = False, archived: str = "is_archived") -> Channel:
        """Return a channel in which the bot can post; `archived` is the method's error for a closed one."""
        channel = self.channel(name, or_person=or_person)
        if not self.is_member(channel):
            raise SlackError("not_in_channel")
        if channel.is_archived:
            raise SlackError(archived)
        return channel

    def is_member(self, channel: Channel) -> bool:
        """Return whether the bot is in the channel."""
        return self.world.seed.bot.id in channel.members

    def user(self, name: str = "user") -> str:
        """Return the id of a person, or of the bot, that an argument names."""
        user = self.required(name)
        if user != self.world.seed.bot.id and self.world.seed.person(user) is None:
            raise SlackError("user_not_found")
        return user

    def blocks(self) -> list[Json] | None:
        """Return the checked blocks of a message, with their ids; None if none are given."""
        given = self.decoded("blocks")
        if given is None:
            return [] if "blocks" in self.args else None
        return checked_blocks(given)


Handler = Callable[[MethodCall], Json]
METHODS: dict[str, "Method"] = {}


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method."""

    name: str
    handler: Handler
    scopes: tuple[str, ...]
    family: str | None
    """`read` or `history`: the scope depends on the kind of the channel (`im:history`)."""
    tier: int | None
    app_token: bool

    def needed(self, world: World, args: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the scopes that this call needs."""
        if self.family is None:
            return self.scopes
        channel = find_channel(world, str(args.get("channel", "")))
        return (f"{_FAMILY[channel.kind if channel else 'channel']}:{self.family}", *self.scopes)


def method(
    name: str,
    *scopes: str,
    family: str | None = None,
    tier: int | None = 3,
    app_token: bool = False,
) -> Callable[[Handler], Handler]:
    """Register a function as a Web API method."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, scopes, family, tier, app_token)
        return handler

    return register


def find_channel(world: World, name: str) -> Channel | None:
    """Find a channel by id or #name."""
    if name in world.state.channels:
        return world.state.channels[name]
    plain = name.removeprefix("#")
    named = (one for one in world.state.channels.values() if one.name == plain and not one.is_im)
    return next(named, None)


def checked_blocks(given: Any) -> list[Json]:
    """Refuse blocks that Slack would refuse; fill in missing ids.

    Raises:
        SlackError: invalid_blocks with Slack's complaints, or msg_blocks_too_long.
    """
    complaints = block_rules.complaints(given, block_rules.MESSAGE)
    if complaints:
        raise SlackError("invalid_blocks", errors=complaints, response_metadata={"messages": complaints})
    if block_rules.characters(given) > block_rules.MESSAGE_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return block_rules.with_ids(given)


def checked_text(text: str | None) -> str:
    """Refuse a text that is too long for a message."""
    if text is not None and len(text) > MESSAGE_CHARACTERS:
        raise SlackError("msg_too_long")
    return text or ""


def page(items: list[Json], call: MethodCall, *, default: int = 100) -> tuple[list[Json], Json]:
    """Return the page that a cursor asks for, and its response_metadata."""
    cursor = call.text("cursor")
    try:
        start = int(cursor.removeprefix("next:")) if cursor else 0
    except ValueError:
        raise SlackError("invalid_cursor") from None
    limit = call.number("limit", default, 1000)
    more = start + limit < len(items)
    return items[start : start + limit], {"next_cursor": f"next:{start + limit}" if more else ""}

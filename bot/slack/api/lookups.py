"""Finds channels and people of the workspace by what somebody calls them, for `deskhand init`."""

import re
from dataclasses import dataclass
from typing import Any

from bot import admission
from bot.principals import CHANNEL_ID, USER_ID
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient

PAGE = 1000
"Channels of one answer."
SHARED = ("is_shared", "is_ext_shared", "is_org_shared", "is_pending_ext_shared")
"Flags of a channel that other organisations read or are about to."
NOBODY = ("users_not_found", "user_not_found", "user_not_visible")


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """A channel that the bot can see."""

    id: str
    name: str
    joined: bool
    "Whether the bot is in it."
    private: bool
    shared: bool
    "Whether another organisation reads it, or is about to."


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """A person whom the workspace knows."""

    id: str
    name: str
    full: bool
    "Whether they seem to be an active, full member of the workspace."
    time_zone: str | None


def channel(client: WebClient, called: str) -> ChannelSeen | None:
    """Return the channel with an id, or with a name, with or without `#`; None when the bot cannot see any.

    Raises:
        Transient, Rejected: Slack does not say.
    """
    if re.fullmatch(CHANNEL_ID, called):
        try:
            return _channel(slack.call(client.conversations_info, channel=called)["channel"])
        except Rejected as error:
            if error.code == "channel_not_found":
                return None
            raise
    cursor, name = "", called.removeprefix("#").lower()
    while True:
        page = slack.call(
            client.conversations_list,
            types="public_channel,private_channel",
            exclude_archived=True,
            limit=PAGE,
            cursor=cursor,
        )
        for card in page["channels"]:
            if card.get("name") == name:
                return _channel(card)
        cursor = str(page.get("response_metadata", {}).get("next_cursor") or "")
        if not cursor:
            return None


def person(client: WebClient, called: str) -> PersonSeen | None:
    """Return the person with an id or an e-mail address; None when the workspace has no such person.

    Raises:
        Transient, Rejected: Slack does not say.
    """
    try:
        if re.fullmatch(USER_ID, called):
            card = slack.call(client.users_info, user=called)["user"]
        else:
            card = slack.call(client.users_lookupByEmail, email=called)["user"]
    except Rejected as error:
        if error.code in NOBODY:
            return None
        raise
    zone = card.get("tz")
    return PersonSeen(
        id=str(card["id"]),
        name=str(card.get("profile", {}).get("real_name") or card.get("real_name") or card.get("name") or called),
        full=bool(admission.seems_full(admission.read(card))),
        time_zone=zone if isinstance(zone, str) else None,
    )


def opens_socket(client: WebClient, app_token: str) -> None:
    """Ask for a Socket Mode address with an app token; the address is not used, and expires.

    Raises:
        Transient, Rejected: the token does not open one.
    """
    slack.call(client.apps_connections_open, app_token=app_token)


def _channel(card: dict[str, Any]) -> ChannelSeen:
    return ChannelSeen(
        id=str(card["id"]),
        name=str(card.get("name", card["id"])),
        joined=card.get("is_member") is True,
        private=card.get("is_private") is True,
        shared=any(card.get(flag) for flag in SHARED),
    )

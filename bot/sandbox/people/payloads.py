"""Slash commands and interactions in Slack's format, with their trigger_id and response_url."""

import random
import time
from typing import Any

from bot.sandbox.methods.views import shown
from bot.sandbox.slack.events import for_slack
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel
from bot.sandbox.slack.world import World

_TOKEN = "local-workspace"  # noqa: S105 Slack's verification token, long deprecated and still sent
_NAMES = {"im": "directmessage", "group": "privategroup"}


def command(world: World, user: str, channel: Channel, name: str, text: str, base_url: str) -> Json:
    """Return the form fields of a slash command."""
    person = world.seed.person(user)
    return {
        "token": _TOKEN,
        "team_id": world.seed.team.id,
        "team_domain": world.seed.team.domain,
        "channel_id": channel.id,
        "channel_name": _NAMES.get(channel.kind, channel.name),
        "user_id": user,
        "user_name": person.name if person else user,
        "command": name,
        "text": text,
        "api_app_id": world.seed.bot.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url(world, base_url, "commands", user, channel.id),
        "trigger_id": world.issued.new_trigger(user),
    }


def on_message(
    world: World, user: str, channel: Channel, message: Json, *, action: Json, values: Json, base_url: str
) -> Json:
    """Return a block_actions payload for an element of a message; ephemeral ones have an `id`."""
    is_ephemeral = "id" in message
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": is_ephemeral,
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    found = {"ephemeral_id": message["ts"]} if is_ephemeral else {"message_ts": message["ts"]}
    payload: Json = {
        **_common(world, "block_actions", user),
        "container": container,
        "channel": {"id": channel.id, "name": _NAMES.get(channel.kind, channel.name)},
        "state": {"values": values},
        "response_url": response_url(world, base_url, "actions", user, channel.id, **found),
        "actions": [action],
    }
    return payload if is_ephemeral else {**payload, "message": for_slack(message)}


def on_view(world: World, user: str, view: Json, action: Json) -> Json:
    """Return a block_actions payload for an element of a modal or the Home tab."""
    return {
        **_common(world, "block_actions", user),
        "container": {"type": "view", "view_id": view["id"]},
        "view": shown(view),
        "actions": [action],
    }


def submission(world: World, user: str, view: Json) -> Json:
    """Return a view_submission payload."""
    return {**_common(world, "view_submission", user), "view": shown(view), "response_urls": []}


def closing(world: World, user: str, view: Json, *, is_cleared: bool) -> Json:
    """Return a view_closed payload, which has no trigger_id."""
    payload = {**_common(world, "view_closed", user), "view": shown(view), "is_cleared": is_cleared}
    del payload["trigger_id"]
    return payload


def shortcut(world: World, user: str, channel: Channel, message: Json, callback_id: str, base_url: str) -> Json:
    """Return the payload of a message shortcut."""
    return {
        **_common(world, "message_action", user),
        "action_ts": f"{time.time():.6f}",
        "callback_id": callback_id,
        "channel": {"id": channel.id, "name": _NAMES.get(channel.kind, channel.name)},
        "message_ts": message["ts"],
        "message": for_slack(message),
        "response_url": response_url(world, base_url, "app", user, channel.id, message_ts=message["ts"]),
    }


def response_url(world: World, base_url: str, kind: str, user: str, channel: str, **found: Any) -> str:
    """Create an address for the answer to an interaction: /kind/team/number/secret, as Slack's."""
    name = world.issued.new_address(user, channel, **found)
    return f"{base_url}/{kind}/{world.seed.team.id}/{random.randrange(10**12, 10**13)}/{name}"


def _common(world: World, kind: str, user: str) -> Json:
    person = world.seed.person(user)
    name = person.name if person else user
    team = {"id": world.seed.team.id, "domain": world.seed.team.domain}
    return {
        "type": kind,
        "user": {"id": user, "username": name, "name": name, "team_id": world.state.team_of(user)},
        "api_app_id": world.seed.bot.app_id,
        "token": _TOKEN,
        "team": team,
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": world.issued.new_trigger(user),
    }

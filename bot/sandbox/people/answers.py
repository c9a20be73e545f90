"""The bot's answer to an interaction: in the response body, or later to the response_url."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.methods.registry import SlackError, checked_blocks, checked_text
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.tokens import ResponseAddress
from bot.sandbox.slack.world import World


async def take_response(request: Request) -> Response:
    """Take what the bot sends to a response_url: at most five times, within half an hour."""
    world: World = request.app.state.world
    address = world.issued.use_address(request.path_params["name"])
    if isinstance(address, str):
        world.journal.note("response_url", "respond", ok=False, error=address, status=404)
        return JSONResponse({"ok": False, "error": address}, 404)
    try:
        respond(world, address, _decoded(await request.body()))
    except SlackError as error:
        world.journal.note("response_url", "respond", ok=False, error=error.error, status=400)
        return JSONResponse({"ok": False, "error": error.error, **error.fields}, 400)
    world.journal.note("response_url", "respond", ok=True, status=200, channel=address.channel)
    return PlainTextResponse("ok")


def respond(world: World, address: ResponseAddress, payload: Json) -> Json:
    """Do what a response payload asks for, and return it with defaults filled in.

    Raises:
        SlackError: it has no content, or blocks that Slack refuses.
    """
    channel = world.state.channels[address.channel]
    if payload.get("delete_original"):
        _delete_original(world, address)
        return payload
    blocks = payload.get("blocks")
    fields: Json = {
        "text": checked_text(payload.get("text")),
        "blocks": checked_blocks(blocks) if blocks else [],
    }
    if not fields["text"].strip() and not fields["blocks"]:
        raise SlackError("no_text")
    if payload.get("replace_original"):
        _replace_original(world, address, fields)
        return payload
    bot = world.seed.bot
    fields |= {"user": bot.id, "bot_id": bot.bot_id, "app_id": bot.app_id, "username": bot.name}
    thread_ts = payload.get("thread_ts")
    parent = world.state.parent_ts(channel, str(thread_ts)) if thread_ts else None
    if payload.get("response_type") == "in_channel":
        world.say(channel, fields, thread_ts=parent)
    else:
        note = fields | {"thread_ts": parent} if parent else fields
        world.state.add_ephemeral(address.user, channel, note)
    return payload


def in_body(body: str) -> Json | None:
    """Read the answer to a slash command: JSON, or a plain text; None for an empty one."""
    if not body.strip():
        return None
    try:
        payload = json.loads(body)
    except ValueError:
        return {"text": body}
    return payload if isinstance(payload, dict) else {"text": body}


def _delete_original(world: World, address: ResponseAddress) -> None:
    channel = world.state.channels[address.channel]
    if address.ephemeral_id in world.state.ephemeral:
        world.state.remove_ephemeral(str(address.ephemeral_id))
    elif address.message_ts in channel.messages:
        world.delete(channel, str(address.message_ts))


def _replace_original(world: World, address: ResponseAddress, fields: Json) -> None:
    channel = world.state.channels[address.channel]
    if address.ephemeral_id in world.state.ephemeral:
        world.state.replace_ephemeral(str(address.ephemeral_id), **fields)
    elif address.message_ts in channel.messages:
        world.edit(channel, str(address.message_ts), fields)
    else:
        raise SlackError("message_not_found")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(payload, dict):
        raise SlackError("invalid_payload")
    return payload

"""What a person does with the app: clicks, commands, shortcuts, forms.

Slack waits three seconds for the app. The person is told here what it would tell them: `operation_timeout` when no
answer came, `dispatch_failed` when the app could not be reached or answered with an error.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from bot.sandbox.methods.registry import SlackError
from bot.sandbox.methods.views import refuse_wrong_view
from bot.sandbox.people import inputs, payloads
from bot.sandbox.people.answers import in_body, respond
from bot.sandbox.people.people import Act, PersonRequest, RequestError
from bot.sandbox.slack.blocks import MODAL
from bot.sandbox.slack.delivery import DeliveryAnswer
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel
from bot.sandbox.slack.tokens import ResponseAddress


class Click(PersonRequest):
    """Use an element of a message, an ephemeral message, a modal or the Home tab."""

    action_id: str
    block_id: str
    channel: str | None = None
    ts: str | None = None
    ephemeral_id: str | None = None
    view_id: str | None = None
    home: bool = False
    value: str | None = None
    selected: Any = None


class UseCommand(PersonRequest):
    """Type a slash command."""

    channel: str
    command: str
    text: str = ""


class UseShortcut(PersonRequest):
    """Choose a shortcut from a message's menu."""

    channel: str
    ts: str
    callback_id: str


class Submit(PersonRequest):
    """Press the submit button of a modal."""

    view_id: str
    values: dict[str, dict[str, Any]] = Field(default_factory=dict)


class CloseView(PersonRequest):
    """Close a modal without submitting it."""

    view_id: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a click happens: a message in a channel, or a view."""

    channel: Channel | None
    holder: Json


async def click(act: Act, body: Click) -> Json:
    """Use an element and tell the bot."""
    place = _place(act, body)
    element = inputs.find(place.holder.get("blocks"), body.block_id, body.action_id)
    if element is None and not body.forge:
        raise RequestError("element_not_found")
    if element is None or (body.forge and body.value is not None and element["type"] == "button"):
        element = {"type": "button", "action_id": body.action_id, "value": body.value or ""}
    try:
        said = inputs.done(element, body.value, body.selected)
    except inputs.WrongChoiceError as error:
        raise RequestError(str(error)) from None
    ids = {"action_id": body.action_id, "block_id": body.block_id, "type": element["type"]}
    action = {**ids, **said, "action_ts": f"{time.time():.6f}"}
    kept = {body.block_id: {body.action_id: {"type": element["type"], **said}}}
    values = kept if inputs.is_kept(element) else {}
    if place.channel is None:
        view = act.world.surfaces.remember(place.holder["id"], values)
        payload = payloads.on_view(act.world, act.user, view, action)
    else:
        payload = payloads.on_message(
            act.world,
            act.user,
            place.channel,
            place.holder,
            action=action,
            values=values,
            base_url=act.base_url,
        )
    return _outcome(await act.world.delivery.interaction("interactive", body.action_id, payload))


async def command(act: Act, body: UseCommand) -> Json:
    """Send a slash command and show the answer to those who may see it."""
    channel = act.channel(body.channel)
    if body.command not in {one.command for one in act.world.manifest.commands}:
        raise RequestError("unknown_command")
    form = payloads.command(act.world, act.user, channel, body.command, body.text, act.base_url)
    answer = await act.world.delivery.interaction("slash_commands", body.command, form)
    outcome = _outcome(answer)
    if outcome["error"] is not None:
        line = f'{body.command} failed with the error "{outcome["error"]}"'
        act.world.slackbot_says(act.user, channel, line)
        return outcome
    payload = in_body(answer.body)
    if payload is None:
        return outcome
    try:
        response = respond(act.world, ResponseAddress(act.user, channel.id, 0.0), payload)
    except SlackError as error:
        act.world.slackbot_says(act.user, channel, f'{body.command} failed with the error "{error.error}"')
        return {**outcome, "ok": False, "error": error.error, **error.fields}
    return {**outcome, "response": response}


async def shortcut(act: Act, body: UseShortcut) -> Json:
    """Use a message shortcut of the app."""
    channel = act.channel(body.channel)
    message = act.message(channel, body.ts)
    if body.callback_id not in {one.callback_id for one in act.world.manifest.shortcuts}:
        raise RequestError("unknown_shortcut")
    payload = payloads.shortcut(act.world, act.user, channel, message, body.callback_id, act.base_url)
    return _outcome(await act.world.delivery.interaction("interactive", body.callback_id, payload))


async def submit(act: Act, body: Submit) -> Json:
    """Send a modal's form; the bot may reject it, change the modal, stack another, or let it close."""
    surfaces = act.world.surfaces
    view = _own_view(act, body.view_id)
    surfaces.remember(view["id"], inputs.empty_values(view["blocks"]) | view["state"]["values"])
    view = surfaces.remember(view["id"], body.values)
    complaints = inputs.missing(view["blocks"], view["state"]["values"])
    if complaints:
        surfaces.show_errors(view["id"], complaints)
        return {"ok": False, "errors": complaints}
    payload = payloads.submission(act.world, act.user, view)
    answer = await act.world.delivery.interaction("interactive", view["callback_id"], payload)
    outcome = _outcome(answer)
    if outcome["error"] is not None:
        return outcome
    try:
        return {**outcome, **_after_submission(act, view, answer.body)}
    except SlackError as error:
        return {**outcome, "ok": False, "error": error.error, **error.fields}


async def close_view(act: Act, body: CloseView) -> Json:
    """Close a modal, and notify the bot if it asked for that."""
    view = _own_view(act, body.view_id)
    is_cleared = bool(view["clear_on_close"])
    if is_cleared:
        act.world.surfaces.clear(act.user)
    else:
        act.world.surfaces.close(view["id"])
    if not view["notify_on_close"]:
        return {}
    payload = payloads.closing(act.world, act.user, view, is_cleared=is_cleared)
    return _outcome(await act.world.delivery.interaction("interactive", view["callback_id"], payload))


def _place(act: Act, body: Click) -> _Place:
    state, surfaces = act.world.state, act.world.surfaces
    if body.home:
        home = surfaces.homes.get(act.user)
        if home is None:
            raise RequestError("home_not_found")
        return _Place(None, home)
    if body.view_id is not None:
        home = surfaces.homes.get(act.user)
        is_home = home is not None and home["id"] == body.view_id
        return _Place(None, home if home and is_home else _own_view(act, body.view_id))
    if body.ephemeral_id is not None:
        note = state.ephemeral.get(body.ephemeral_id)
        if note is None or (note["user"] != act.user and not body.forge):
            raise RequestError("message_not_found")
        return _Place(state.channels[note["channel"]], note)
    channel = state.channels.get(body.channel or "") if body.forge else act.channel(body.channel)
    if channel is None:
        raise RequestError("channel_not_found")
    return _Place(channel, act.message(channel, body.ts))


def _own_view(act: Act, view_id: str) -> Json:
    top = act.world.surfaces.top(act.user)
    if top is None or top["id"] != view_id:
        raise RequestError("view_not_found")
    return top


def _outcome(answer: DeliveryAnswer) -> Json:
    error = {None: None, "http_timeout": "operation_timeout"}.get(answer.error, "dispatch_failed")
    facts = {"status": answer.status, "ms": round(answer.ms, 2), "error": error}
    return {"ok": error is None, "delivered": error is None, **facts}


def _after_submission(act: Act, view: Json, text: str) -> Json:
    surfaces = act.world.surfaces
    if view["id"] not in surfaces.views:
        return {}  # pressed twice: the first press has closed it
    response = json.loads(text) if text.strip().startswith("{") else {}
    match response.get("response_action"):
        case "errors":
            known = {block["block_id"] for block in view["blocks"]}
            errors = response.get("errors")
            if not isinstance(errors, dict) or not errors or set(errors) - known:
                raise SlackError("invalid_response_errors")
            surfaces.show_errors(view["id"], errors)
            return {"ok": False, "errors": errors}
        case "update":
            surfaces.replace(view["id"], refuse_wrong_view(response.get("view"), MODAL))
        case "push":
            surfaces.open(act.user, refuse_wrong_view(response.get("view"), MODAL))
        case "clear":
            surfaces.clear(act.user)
        case None:
            # The app may have opened another modal meanwhile with the submission's trigger_id.
            if view["id"] in surfaces.views:
                surfaces.close(view["id"])
        case other:
            raise SlackError("invalid_response_action", given=other)
    return {}

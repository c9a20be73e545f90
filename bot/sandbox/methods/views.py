"""views.*: modals and the Home tab."""

from typing import Any

from bot.sandbox.methods.registry import MethodCall, SlackError, method
from bot.sandbox.slack.blocks import HOME, MODAL, characters, view_complaints
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.surfaces import STACK_LIMIT

VIEW_CHARACTERS = 250_000


@method("views.open", tier=4)
def open_view(call: MethodCall) -> Json:
    """Open a modal for the person who has just done something."""
    given = _checked(call, MODAL)
    user = _trigger(call)
    call.world.surfaces.clear(user)
    return {"view": shown(call.world.surfaces.open(user, given))}


@method("views.push", tier=4)
def push_view(call: MethodCall) -> Json:
    """Put a modal on top of the open one."""
    given = _checked(call, MODAL)
    user = _trigger(call)
    depth = len(call.world.surfaces.stacks.get(user, ()))
    if depth == 0:
        raise SlackError("not_found")
    if depth >= STACK_LIMIT:
        raise SlackError("push_limit_reached")
    return {"view": shown(call.world.surfaces.open(user, given))}


@method("views.update", tier=4)
def update_view(call: MethodCall) -> Json:
    """Give an open modal new content."""
    surfaces = call.world.surfaces
    view_id, external_id = call.text("view_id"), call.text("external_id")
    old = surfaces.views.get(view_id or "") or (surfaces.by_external_id(external_id) if external_id else None)
    if old is None:
        raise SlackError("not_found")
    given = _checked(call, old["type"])
    _same_hash(call, old)
    if old["type"] == HOME:
        user = next(user for user, view in surfaces.homes.items() if view["id"] == old["id"])
        return {"view": shown(surfaces.publish(user, given))}
    return {"view": shown(surfaces.replace(old["id"], given))}


@method("views.publish", tier=4)
def publish_view(call: MethodCall) -> Json:
    """Set a person's Home tab."""
    if not call.world.manifest.has_home:
        raise SlackError("not_enabled")
    user = call.user("user_id")
    given = _checked(call, HOME)
    old = call.world.surfaces.homes.get(user)
    if old is not None:
        _same_hash(call, old)
    return {"view": shown(call.world.surfaces.publish(user, given))}


def shown(view: Json) -> Json:
    """Return a view as Slack returns it to the app."""
    return {key: value for key, value in view.items() if key != "errors"}


def refuse_wrong_view(given: Any, surface: str) -> Json:
    """Refuse a view that Slack would refuse.

    Raises:
        SlackError: invalid_arguments with Slack's complaints, or view_too_large.
    """
    complaints = view_complaints(given)
    if not complaints and given["type"] != surface:
        complaints = [f"[ERROR] must be a {surface} view [json-pointer:/view/type]"]
    if complaints:
        raise SlackError("invalid_arguments", response_metadata={"messages": complaints})
    if characters(given) > VIEW_CHARACTERS:
        raise SlackError("view_too_large")
    checked: Json = given
    return checked


def _checked(call: MethodCall, surface: str) -> Json:
    given = refuse_wrong_view(call.decoded("view"), surface)
    external_id = given.get("external_id")
    other = call.world.surfaces.by_external_id(external_id) if external_id else None
    if other is not None and other["id"] != call.text("view_id") and other["type"] == MODAL:
        raise SlackError("duplicate_external_id")
    return given


def _trigger(call: MethodCall) -> str:
    user, wrong = call.world.issued.use_trigger(call.required("trigger_id"))
    if user is None:
        raise SlackError(str(wrong))
    return user


def _same_hash(call: MethodCall, old: Json) -> None:
    if call.text("hash") not in {None, old["hash"]}:
        raise SlackError("hash_conflict")

"""Validates every request of Slack, over HTTP and over Socket Mode, before a listener reads it.

A signature proves that Slack has sent a request, not that it has the form we expect. All fields that a listener reads
are checked here first, so that an odd field never raises half-way. A listener may rely on every field that
`bot.listeners.shapes` requires.

Slack leaves fields out, so little is refused. A null, or a value of the wrong type, counts as missing. What Slack says
in two places is taken from either, and a missing id of the request is made up. A request is refused only when it does
not say what it is or what it is about.
"""

import hashlib
import json
from contextlib import suppress
from functools import lru_cache
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from bot.casework.heard import storable
from bot.listeners import shapes
from bot.listeners.shapes import Json

log = structlog.get_logger()

WORDS = frozenset({"text", "blocks", "attachments", "files"})
"The fields with a message's content; an edit with none of them does not change the content."
_DECIDES = frozenset({(), ("type",), ("command",), ("event",), ("event", "type")})
"Paths of the fields that say what a request is; the empty path is the request itself."
MOST_ODD = 100
"The most odd fields of one request; no request of Slack has more."
_ROUNDS = 20
"The most repetitions: dropping a field can make its object invalid, or let another place give the value."

Path = tuple[str | int, ...]
"The keys and indexes that lead to a field, outermost first."


class Malformed(Exception):
    """A request that Slack does not send; the error has no content of it."""


def validated(body: object) -> Json:
    """Return a request without nulls, without odd fields, and without characters that cannot be stored.

    Raises:
        Malformed: it does not say what it is, or a field is missing that cannot be done without.
    """
    with suppress(RecursionError):
        if isinstance(body, dict):
            known: Json = storable(body)
            for _ in range(_ROUNDS):
                shape: type[BaseModel] = shapes.RequestBody
                full = known
                if not (odd := _odd(shape, full)):
                    full = filled(known)
                    odd = _odd(shape := shapes.of(full), full)
                if not odd:
                    return full
                known = _without_odd(shape, full, odd)
    raise Malformed


def _without_odd(shape: type[BaseModel], body: Json, odd: set[Path]) -> Json:
    if odd & _DECIDES or len(odd) > MOST_ODD:
        raise Malformed
    for path in odd:
        _log_once(shape.__name__.strip("_"), ".".join(name for name in path[:2] if isinstance(name, str)))
    rest: Json = _without(body, odd)
    return rest


def _odd(shape: type[BaseModel], body: Json) -> set[Path]:
    """Return the paths of the innermost fields that do not fit the shape."""
    try:
        shape.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        paths = {_existing(body, one["loc"]) for one in found}
        return paths - {path[:length] for path in paths for length in range(len(path))}
    return set()


def _existing(body: Any, loc: Path) -> Path:
    """Return the part of pydantic's `loc` that exists: it also names missing fields and branches of unions."""
    path: Path = ()
    for part in loc:
        if part in body if isinstance(body, dict) else isinstance(body, list) and part in range(len(body)):
            path, body = (*path, part), body[part]
    return path


def _without(value: Any, paths: set[Path], at: Path = ()) -> Any:
    """Return a JSON value without the fields at these paths."""
    if isinstance(value, dict):
        rest = {name: one for name, one in value.items() if (*at, name) not in paths}
        return {name: _without(one, paths, (*at, name)) for name, one in rest.items()}
    if isinstance(value, list):
        return [_without(one, paths, (*at, number)) for number, one in enumerate(value) if (*at, number) not in paths]
    return value


@lru_cache(maxsize=256)
def _log_once(shape: str, field: str) -> None:
    """Log, once in a process, that a field of a kind of request was dropped; its value is not logged."""
    log.warning("field.dropped", request=shape, field=field)


def filled(body: Json) -> Json:
    """Return a request with missing fields filled in: from another place in it, or with an id made from its content.

    Args:
        body: a valid `shapes.RequestBody`. The same request always gets the same ids.
    """
    match body.get("type"):
        case "event_callback" if "event" in body:
            return {**_with_id(body, "event_id", of=body["event"]), "event": _filled_event(body["event"])}
        case "block_actions":
            container = _with_defaults(_container(body), body.get("container", {}))
            return {**_with_id(body, "trigger_id", of=body), "container": container}
        case "message_action":
            at = {"ts": body["message_ts"]} if "message_ts" in body else {}
            message = _with_defaults(at, body.get("message", {}))
            return {**_with_id(body, "trigger_id", of=body), "message": message}
        case "view_submission" if "view" in body:
            state = _with_defaults({"values": {}}, body["view"].get("state", {}))
            view = {"type": "modal", **_with_id(body["view"], "id", of=body), "state": state}
            return {**body, "view": view}
        case None if "command" in body:  # a form has empty values where JSON has null
            given = {name: value for name, value in body.items() if value != ""}
            return {"team_id": "", "channel_id": "", "text": "", **_with_id(given, "trigger_id", of=body)}
        case _:
            return body


def _container(body: Json) -> Json:
    """Return what a press says of the button's place outside its `container`."""
    channel, message = body.get("channel"), body.get("message")
    place = {"channel_id": channel.get("id")} if isinstance(channel, dict) else {}
    if isinstance(message, dict):
        place |= {"message_ts": message.get("ts"), "thread_ts": message.get("thread_ts")}
    return {name: value for name, value in place.items() if value is not None}


def _with_defaults(known: Json, given: object) -> object:
    """Add what is known to an object that lacks it; anything but an object is left for its shape to refuse."""
    return known | given if isinstance(given, dict) else given


def _filled_event(event: Json) -> Json:
    """Return an edit or deletion with the ts of its message filled in, and without a message that has no content."""
    before, changed = event.get("previous_message"), event.get("message")
    if event.get("subtype") == "message_deleted" and isinstance(before, dict) and "ts" in before:
        return {"deleted_ts": before["ts"], **event}
    wordless = isinstance(changed, dict) and not WORDS & changed.keys() and changed.get("subtype") != "tombstone"
    if event.get("subtype") == "message_changed" and wordless:
        return {name: value for name, value in event.items() if name != "message"}
    return event


def _with_id(given: Json, name: str, *, of: Json) -> Json:
    """Return an object with an id, made from a content if it has none: the same when Slack sends the request again."""
    return given if name in given else {name: _made_up_id(of), **given}


def _made_up_id(content: Json) -> str:
    return f"untold:{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]}"

"""Reading what Slack has sent: as a whole, or not at all. Every request comes through here, over either door.

A signature says that Slack has sent something, not that it is what we expect. Whatever a listener reads is looked at
here first, so that an odd field is never an exception half-way. What Slack may leave out is no reason to refuse: null
and what is nothing that such a field can be are as good as nothing, what is told in two places is read in either, and
what is only a name of the request is made. What is refused, as a whole, is a request with nothing to do for us, since
it does not say what it is or what it is about. A listener may rely on every field that `bot.listeners.shapes` asks for.
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
"Where a message has its content: an edit that tells none of them changes none."
_DECIDES = frozenset({(), ("type",), ("command",), ("event",), ("event", "type")})
"Where a request says what it is; the first is the request itself."
MOST_ODD = 100
"Fields of one request that cannot be read; with more it is none of Slack's."
_ROUNDS = 20
"What is left out may be told in another place, or what it is in cannot be without it: there are fewer of these."

Way = tuple[str | int, ...]
"To a field, from the outside."


class Malformed(Exception):
    """None of the things that Slack says; it carries no word of what was said."""


def whole(body: object) -> Json:
    """Return a request in characters that can be stored, without nulls and without what no such field can hold.

    Raises:
        Malformed: it does not say what it is, or lacks what no one can do anything without.
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
                known = _readable(shape, full, odd)
    raise Malformed


def _readable(shape: type[BaseModel], body: Json, odd: set[Way]) -> Json:
    if odd & _DECIDES or len(odd) > MOST_ODD:
        raise Malformed
    for way in odd:
        _tell(shape.__name__.strip("_"), ".".join(name for name in way[:2] if isinstance(name, str)))
    left: Json = _without(body, odd)
    return left


def _odd(shape: type[BaseModel], body: Json) -> set[Way]:
    """Return the innermost fields for which a request has not its shape."""
    try:
        shape.model_validate(body)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        ways = {_way(body, one["loc"]) for one in told}
        return ways - {way[:length] for way in ways for length in range(len(way))}
    return set()


def _way(body: Any, loc: Way) -> Way:
    """Return the way to a field that is there; a loc names what is missing in it as well, and branches of unions."""
    way: Way = ()
    for part in loc:
        if part in body if isinstance(body, dict) else isinstance(body, list) and part in range(len(body)):
            way, body = (*way, part), body[part]
    return way


def _without(value: Any, ways: set[Way], at: Way = ()) -> Any:
    """Return a JSON value without some of its fields."""
    if isinstance(value, dict):
        left = {name: one for name, one in value.items() if (*at, name) not in ways}
        return {name: _without(one, ways, (*at, name)) for name, one in left.items()}
    if isinstance(value, list):
        return [_without(one, ways, (*at, number)) for number, one in enumerate(value) if (*at, number) not in ways]
    return value


@lru_cache(maxsize=256)
def _tell(shape: str, field: str) -> None:
    """Log, once for the process, that a field of a kind of request is not read; no word of what it holds."""
    log.warning("field.dropped", request=shape, field=field)


def filled(body: Json) -> Json:
    """Return a request with what is missing and can be known: from another place in it, or a name made of all of it.

    Args:
        body: what is a `shapes.Body` for sure. The same request gets the same names.
    """
    match body.get("type"):
        case "event_callback" if "event" in body:
            return {"event_id": _name(body["event"]), **body, "event": _filled_event(body["event"])}
        case "block_actions":
            return {"trigger_id": _name(body), **body, "container": _over(_seen(body), body.get("container", {}))}
        case "message_action":
            at = {"ts": body["message_ts"]} if "message_ts" in body else {}
            return {"trigger_id": _name(body), **body, "message": _over(at, body.get("message", {}))}
        case "view_submission" if "view" in body:
            state = _over({"values": {}}, body["view"].get("state", {}))
            return {**body, "view": {"id": _name(body), "type": "modal", **body["view"], "state": state}}
        case None if "command" in body:  # a form, which has no null
            given = {name: value for name, value in body.items() if value != ""}
            return {"trigger_id": _name(body), "team_id": "", "channel_id": "", "text": "", **given}
        case _:
            return body


def _seen(body: Json) -> Json:
    """Return where a button is, as far as a press tells it beside its container."""
    channel, message = body.get("channel"), body.get("message")
    told_of = {"channel_id": channel.get("id")} if isinstance(channel, dict) else {}
    if isinstance(message, dict):
        told_of |= {"message_ts": message.get("ts"), "thread_ts": message.get("thread_ts")}
    return {name: value for name, value in told_of.items() if value is not None}


def _over(known: Json, given: object) -> object:
    """Put what is known below what is given; what is no object is left for its shape to refuse."""
    return known | given if isinstance(given, dict) else given


def _filled_event(event: Json) -> Json:
    """Return an event of a change with the message it is about, where that is told at all."""
    before, changed = event.get("previous_message"), event.get("message")
    if event.get("subtype") == "message_deleted" and isinstance(before, dict) and "ts" in before:
        return {"deleted_ts": before["ts"], **event}
    wordless = isinstance(changed, dict) and not WORDS & changed.keys() and changed.get("subtype") != "tombstone"
    if event.get("subtype") == "message_changed" and wordless:
        return {name: value for name, value in event.items() if name != "message"}
    return event


def _name(told_of: Json) -> str:
    """Return a name for a request that has none: the same when Slack sends it again."""
    return f"untold:{hashlib.sha256(json.dumps(told_of, sort_keys=True).encode()).hexdigest()[:32]}"

"""Reading what Slack has sent: as a whole, or not at all.

A signature says that Slack has sent something, not that it is what we expect. Whatever a listener reads is looked at
here first, so that an odd field is refused with its whole request and is never an exception half-way.
"""

import re
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from bot.listeners import shapes
from bot.listeners.shapes import Json

_BROKEN = re.compile("[\x00\ud800-\udfff]")
"What no database can hold: NUL, and halves of characters. JSON may have both."


class Malformed(Exception):
    """None of the things that Slack says; it carries no word of what was said."""


def whole(body: object) -> Json:
    """Return a request in characters that can be stored, once every field that is read has its shape.

    Raises:
        Malformed: one has not.
    """
    with suppress(ValidationError, RecursionError):
        if isinstance(body, dict):
            clean: Json = storable(body)
            shapes.Body.model_validate(clean)
            shapes.of(clean).model_validate(clean)
            return clean
    raise Malformed


def storable(value: Any) -> Any:
    """Return a JSON value whose texts can be stored."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode() if _BROKEN.search(value) else value
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items()}
    return [storable(one) for one in value] if isinstance(value, list) else value

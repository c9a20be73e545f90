"""Slack's rules for the small parts of Block Kit: texts, options, confirmations, elements.

Every check yields complaints in Slack's own words and with its pointers, such as
`[ERROR] must be less than 76 characters [json-pointer:/blocks/0/text/text]`; without a fault it yields nothing.
Limits are those of docs.slack.dev/reference/block-kit.
"""

from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.slack.seed import Json

Complaints = Iterator[str]
PLAIN = ("plain_text",)
EITHER = ("plain_text", "mrkdwn")
INPUT_CHARACTERS = 3000
_CHOICES = ("static_select", "multi_static_select", "radio_buttons", "checkboxes", "overflow")
_SELECTS = ("users", "conversations", "channels", "external")
_INPUT_ONLY = ("plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input")
_INTERACTIVE = (
    *_CHOICES,
    *(f"{name}_select" for name in _SELECTS),
    *(f"multi_{name}_select" for name in _SELECTS),
    "datepicker",
    "timepicker",
    "datetimepicker",
)
FOR_ACTIONS = ("button", "workflow_button", "rich_text_input", *_INTERACTIVE)
FOR_SECTION = ("button", "workflow_button", "image", *_INTERACTIVE)
FOR_INPUT = tuple(name for name in (*_INPUT_ONLY, "file_input", *_INTERACTIVE) if name != "overflow")
FOR_CONTEXT_ACTIONS = ("feedback_buttons", "icon_button")
_MOST_OPTIONS = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}


def complaint(words: str, pointer: str) -> str:
    """Return one complaint in Slack's words."""
    return f"[ERROR] {words} [json-pointer:{pointer}]"


def string(holder: Json, key: str, pointer: str, most: int, *, least: int = 1, required: bool = True) -> Complaints:
    """Check a plain string field of an object."""
    if key not in holder or holder[key] is None:
        if required:
            yield complaint(f"missing required field: {key}", pointer)
        return
    value, place = holder[key], f"{pointer}/{key}"
    if not isinstance(value, str):
        yield complaint("must provide a string", place)
    elif len(value) < least:
        yield complaint(f"must be more than {least - 1} characters", place)
    elif len(value) > most:
        yield complaint(f"must be less than {most + 1} characters", place)


def text(
    holder: Json,
    key: str,
    pointer: str,
    most: int,
    *,
    kinds: tuple[str, ...] = EITHER,
    required: bool = True,
) -> Complaints:
    """Check a text object field."""
    if holder.get(key) is None:
        if required:
            yield complaint(f"missing required field: {key}", pointer)
        return
    yield from text_object(holder[key], f"{pointer}/{key}", most, kinds=kinds)


def text_object(value: Any, pointer: str, most: int, *, kinds: tuple[str, ...] = EITHER) -> Complaints:
    """Check a text object."""
    if not isinstance(value, dict):
        yield complaint("must provide an object", pointer)
        return
    if value.get("type") not in kinds:
        yield complaint(f"unsupported type: {value.get('type')}", f"{pointer}/type")
    yield from string(value, "text", pointer, most)


def items(holder: Json, key: str, pointer: str, most: int, *, least: int = 1) -> Complaints:
    """Check that a field is a list of an allowed length."""
    value, place = holder.get(key), f"{pointer}/{key}"
    if value is None:
        yield complaint(f"missing required field: {key}", pointer)
    elif not isinstance(value, list):
        yield complaint("must provide an array", place)
    elif len(value) < least:
        yield complaint(f"no less than {least} items allowed", place)
    elif len(value) > most:
        yield complaint(f"no more than {most} items allowed", place)


def element(value: Any, pointer: str, allowed: tuple[str, ...]) -> Complaints:
    """Check one element of a block that allows these types."""
    if not isinstance(value, dict):
        yield complaint("must provide an object", pointer)
        return
    kind = str(value.get("type"))
    if kind not in allowed:
        yield complaint(f"unsupported type: {kind}", f"{pointer}/type")
        return
    if kind != "image":
        yield from string(value, "action_id", pointer, 255, required=False)
    if "confirm" in value:
        yield from _confirm(value["confirm"], f"{pointer}/confirm")
    yield from text(value, "placeholder", pointer, 150, kinds=PLAIN, required=False)
    yield from _OWN_RULES.get(kind, _no_more)(value, pointer)


def option(value: Any, pointer: str, *, kinds: tuple[str, ...] = PLAIN) -> Complaints:
    """Check one option of a menu, of radio buttons or checkboxes."""
    if not isinstance(value, dict):
        yield complaint("must provide an object", pointer)
        return
    yield from text(value, "text", pointer, 75, kinds=kinds)
    yield from string(value, "value", pointer, 150)
    yield from text(value, "description", pointer, 75, kinds=kinds, required=False)


def _no_more(_value: Json, _pointer: str) -> Complaints:
    return iter(())


def _button(value: Json, pointer: str) -> Complaints:
    yield from text(value, "text", pointer, 75, kinds=PLAIN)
    yield from string(value, "value", pointer, 2000, least=0, required=False)
    yield from string(value, "url", pointer, 3000, required=False)
    yield from string(value, "accessibility_label", pointer, 75, required=False)
    if value.get("style") not in {None, "primary", "danger"}:
        yield complaint(f"must be one of: primary, danger (given {value['style']})", f"{pointer}/style")


def _icon_button(value: Json, pointer: str) -> Complaints:
    yield from text(value, "text", pointer, 75, kinds=PLAIN)
    yield from string(value, "icon", pointer, 255)
    yield from string(value, "value", pointer, 2000, least=0, required=False)


def _feedback(value: Json, pointer: str) -> Complaints:
    for key in ("positive_button", "negative_button"):
        if not isinstance(value.get(key), dict):
            yield complaint(f"missing required field: {key}", pointer)
            continue
        place = f"{pointer}/{key}"
        yield from text(value[key], "text", place, 75, kinds=PLAIN)
        yield from string(value[key], "value", place, 2000)


def _image(value: Json, pointer: str) -> Complaints:
    yield from string(value, "alt_text", pointer, 2000)
    if "slack_file" not in value:
        yield from string(value, "image_url", pointer, 3000)


def _choice(value: Json, pointer: str) -> Complaints:
    kind = value["type"]
    kinds = EITHER if kind in {"radio_buttons", "checkboxes"} else PLAIN
    if kind in {"static_select", "multi_static_select"} and "option_groups" in value:
        yield from items(value, "option_groups", pointer, 100)
        return
    broken = list(items(value, "options", pointer, _MOST_OPTIONS.get(kind, 100)))
    yield from broken
    if not broken:
        for index, given in enumerate(value["options"]):
            yield from option(given, f"{pointer}/options/{index}", kinds=kinds)


def _text_input(value: Json, pointer: str) -> Complaints:
    for key, least in (("min_length", 0), ("max_length", 1)):
        limit = value.get(key)
        if limit is not None and not (isinstance(limit, int) and least <= limit <= INPUT_CHARACTERS):
            yield complaint(f"must be between {least} and {INPUT_CHARACTERS}", f"{pointer}/{key}")


def _confirm(value: Any, pointer: str) -> Complaints:
    if not isinstance(value, dict):
        yield complaint("must provide an object", pointer)
        return
    yield from text(value, "title", pointer, 100, kinds=PLAIN)
    yield from text(value, "text", pointer, 300)
    yield from text(value, "confirm", pointer, 30, kinds=PLAIN, required=False)
    yield from text(value, "deny", pointer, 30, kinds=PLAIN, required=False)


_OWN_RULES: dict[str, Callable[[Json, str], Complaints]] = {
    "button": _button,
    "icon_button": _icon_button,
    "feedback_buttons": _feedback,
    "image": _image,
    "plain_text_input": _text_input,
    **dict.fromkeys(_CHOICES, _choice),
}

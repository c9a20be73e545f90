"""What a person does with an element of Block Kit, in the form that Slack sends in `actions` and `state.values`."""

from typing import Any

from bot.sandbox.slack.blocks import interactive
from bot.sandbox.slack.seed import Json

_SELECTED = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "external_select": "selected_option",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "static_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
}
_WRITTEN = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
_PRESSED = ("button", "icon_button", "feedback_buttons", "workflow_button", "overflow")
MISSING = "Please complete this required field."


class WrongChoiceError(Exception):
    """The element does not offer that choice; the message says why."""


def find(blocks: Any, block_id: str, action_id: str) -> Json | None:
    """Find an element by its block and action."""
    for place, element in interactive(blocks):
        if place == block_id and element["action_id"] == action_id:
            return element
    return None


def done(element: Json, value: str | None, selected: Any) -> Json:
    """Return what Slack sends when this element is used.

    Raises:
        WrongChoiceError: it has no such option or button.
    """
    kind = element["type"]
    if kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            if element[name]["value"] == value:
                return {"text": element[name]["text"], "value": value}
        raise WrongChoiceError(f"no such feedback button: {value}")
    if kind in {"button", "icon_button"}:
        return {key: element[key] for key in ("text", "value", "style") if key in element}
    if kind in _WRITTEN:
        return {"value": value}
    key = _SELECTED.get(kind)
    if key is None:
        raise WrongChoiceError(f"nothing can be done with a {kind}")
    if key in {"selected_option", "selected_options"}:
        return {key: _options(element, selected if selected is not None else value, many=key[-1] == "s")}
    return {key: selected if selected is not None else value}


def is_kept(element: Json) -> bool:
    """Return whether an element keeps its value, so that it shows in `state.values`."""
    return element["type"] not in _PRESSED


def empty_values(blocks: Any) -> Json:
    """Return `state.values` of an untouched form, initial values included."""
    values: Json = {}
    for block_id, element in interactive(blocks):
        if is_kept(element):
            values.setdefault(block_id, {})[element["action_id"]] = _initial(element)
    return values


def missing(blocks: Any, values: Json) -> Json:
    """Return an error for each required input that is empty or too short, by block id."""
    complaints: Json = {}
    for block in blocks or ():
        if block.get("type") != "input":
            continue
        element = block["element"]
        given = values.get(block["block_id"], {}).get(element["action_id"], {})
        content = [value for key, value in given.items() if key != "type" and value not in (None, "", [])]
        if not content and not block.get("optional"):
            complaints[block["block_id"]] = MISSING
        elif element["type"] == "plain_text_input" and content:
            complaints |= _length(block["block_id"], element, str(content[0]))
    return complaints


def _length(block_id: str, element: Json, text: str) -> Json:
    if len(text) < element.get("min_length", 0):
        return {block_id: f"Must be at least {element['min_length']} characters."}
    if len(text) > element.get("max_length", 3000):
        return {block_id: f"Must be at most {element.get('max_length', 3000)} characters."}
    return {}


def _options(element: Json, chosen: Any, *, many: bool) -> Any:
    groups = [group.get("options", []) for group in element.get("option_groups", ())]
    every = [*element.get("options", []), *(option for group in groups for option in group)]
    wanted = chosen if isinstance(chosen, list) else [chosen]
    names = [one.get("value") if isinstance(one, dict) else one for one in wanted]
    found = [option for option in every if option["value"] in names]
    if element["type"] != "external_select" and len(found) != len(names):
        raise WrongChoiceError(f"no such option: {chosen}")
    return found if many else found[0]


def _initial(element: Json) -> Json:
    kind = element["type"]
    if kind in _WRITTEN:
        return {"type": kind, "value": element.get("initial_value")}
    key = _SELECTED.get(kind, "value")
    return {"type": kind, key: element.get(key.replace("selected", "initial"))}

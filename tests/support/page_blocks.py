"""Blocks and modals that the page of the local workspace shows."""

from typing import Any

from tests.support.json_object import Json


def plain_object(text: str) -> Json:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": text}


def button_element(text: str, action_id: str, **more: Any) -> Json:
    """Return a button element."""
    return {"type": "button", "text": plain_object(text), "action_id": action_id, "value": "1", **more}


def card_blocks(*buttons: Json) -> list[Json]:
    """Return the blocks of a message with buttons."""
    return [
        {"type": "header", "text": plain_object("Lost second factor")},
        {"type": "actions", "block_id": "acts", "elements": list(buttons)},
    ]


RESOLVE_MODAL: Json = {
    "type": "modal",
    "title": plain_object("Resolve the handoff"),
    "submit": plain_object("Resolve"),
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": plain_object("What was done?"),
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        {
            "type": "input",
            "block_id": "could",
            "label": plain_object("Could the agent have done it?"),
            "element": {
                "type": "radio_buttons",
                "action_id": "pick",
                "options": [{"text": plain_object(name), "value": name.lower()} for name in ("Yes", "No")],
            },
        },
    ],
}


REASSIGN_MODAL: Json = {
    "type": "modal",
    "title": plain_object("Reassign"),
    "submit": plain_object("Reassign"),
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": plain_object("Why?"),
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
        },
        {
            "type": "input",
            "block_id": "to",
            "label": plain_object("To whom?"),
            "element": {"type": "users_select", "action_id": "pick"},
        },
    ],
}

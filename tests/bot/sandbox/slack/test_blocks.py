"""Slack's limits on blocks and views, one by one."""

from typing import Any

import pytest

from bot.sandbox.slack.blocks import (
    HOME,
    MESSAGE,
    MODAL,
    characters,
    complaints,
    interactive,
    view_complaints,
    with_ids,
)


def plain(text: str) -> dict[str, Any]:
    """Return a plain text object."""
    return {"type": "plain_text", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    """Return a section."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(**more: Any) -> dict[str, Any]:
    """Return a button."""
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an actions block."""
    return {"type": "actions", "elements": list(elements), **more}


def chart(**more: Any) -> dict[str, Any]:
    """Return a right line chart with some parts replaced."""
    line = {
        "type": "line",
        "axis_config": {"categories": ["Mon", "Tue"]},
        "series": [{"name": "cost", "data": [{"label": "Mon", "value": 1}, {"label": "Tue", "value": 2.5}]}],
    }
    return {"type": "data_visualization", "title": "Cost", "chart": {**line, **more}}


CELL = {"type": "raw_text", "text": "x"}
OPTION = {"text": plain("One"), "value": "1"}

RIGHT = [
    section("x" * 3000),
    section(accessory=button()),
    {"type": "section", "fields": [plain("x" * 2000)] * 10},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "context", "elements": [plain("x"), {"type": "image", "image_url": "https://x", "alt_text": "x"}]},
    actions(*(button(action_id=f"a{number}") for number in range(25))),
    actions({"type": "static_select", "action_id": "s", "options": [OPTION]}),
    {"type": "markdown", "text": "x" * 12_000},
    {"type": "table", "rows": [[CELL] * 20] * 100},
    {"type": "data_table", "caption": "x", "rows": [[CELL] * 20] * 101},
    chart(),
    {
        "type": "data_visualization",
        "title": "x",
        "chart": {"type": "pie", "segments": [{"label": "a", "value": 1}]},
    },
    {"type": "container", "title": plain("x"), "child_blocks": [section()] * 10, "is_collapsible": True},
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": plain("Good"), "value": "up"},
                "negative_button": {"text": plain("Bad"), "value": "down"},
            }
        ],
    },
    {"type": "divider"},
]

WRONG = [
    (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "section"}, "missing required field: text or fields [json-pointer:/blocks/0]"),
    (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    (section(block_id="x" * 256), "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ({"type": "section", "fields": [plain("x")] * 11}, "no more than 10 items allowed"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "unsupported type: mrkdwn"),
    (actions(), "no less than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (actions(button(text=plain("x" * 76))), "must be less than 76 characters"),
    (actions(button(value="x" * 2001)), "must be less than 2001 characters"),
    (actions(button(action_id="x" * 256)), "must be less than 256 characters"),
    (actions(button(style="green")), "must be one of: primary, danger"),
    (actions(button(), button()), "`action_id` go already exists"),
    (actions({"type": "static_select", "action_id": "s", "options": []}), "no less than 1 items allowed"),
    (actions({"type": "overflow", "action_id": "s", "options": [OPTION] * 6}), "no more than 5 items allowed"),
    (actions({"type": "feedback_buttons", "action_id": "f"}), "unsupported type: feedback_buttons"),
    ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters"),
    ({"type": "table", "rows": [[CELL]] * 101}, "no more than 100 items allowed"),
    ({"type": "table", "rows": [[CELL] * 21]}, "no more than 20 items allowed"),
    ({"type": "table", "rows": [[{"type": "raw_text", "text": "x" * 101}] * 10] * 10}, "over all cells"),
    ({"type": "data_table", "rows": [[CELL], [CELL]]}, "missing required field: caption"),
    ({"type": "data_table", "caption": "x", "rows": [[CELL], [CELL, CELL]]}, "the same number of cells"),
    (chart(series=[]), "no less than 1 items allowed"),
    (chart(series=[{"name": "x", "data": [{"label": "Mon", "value": 1}]}]), "labels must match the categories"),
    (chart(axis_config={"categories": ["x"] * 21}), "no more than 20 items allowed"),
    (chart(type="radar"), "unsupported type: radar"),
    ({**chart(), "title": "x" * 51}, "must be less than 51 characters"),
    ({"type": "container", "title": plain("x"), "child_blocks": [section()] * 11}, "no more than 10 items"),
    ({"type": "alert", "text": plain("x")}, "alert is not allowed in a message"),
    ({"type": "nonsense"}, "unsupported type: nonsense [json-pointer:/blocks/0/type]"),
    ("text", "must provide an object [json-pointer:/blocks/0]"),
]


@pytest.mark.parametrize("block", RIGHT, ids=lambda block: block["type"])
def test_what_slack_accepts_is_accepted(block: dict[str, Any]) -> None:
    """A block at its limits is right."""
    assert complaints([block], MESSAGE) == []


@pytest.mark.parametrize(("block", "words"), WRONG)
def test_what_slack_refuses_is_refused(block: Any, words: str) -> None:
    """A block beyond a limit is refused in Slack's words, at the right place."""
    assert any(words in one for one in complaints([block], MESSAGE))


def test_fifty_blocks_in_a_message_a_hundred_in_a_view() -> None:
    """The number of blocks depends on the surface."""
    assert complaints([section()] * 50, MESSAGE) == []
    assert complaints([section()] * 51, MESSAGE) == ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]
    assert complaints([section()] * 100, HOME) == []
    assert complaints([section()] * 101, MODAL) != []


def test_two_blocks_cannot_share_an_id() -> None:
    """A block_id is unique in a message; markdown and charts are counted over the whole of it."""
    assert "already exists" in complaints([section(block_id="a"), section(block_id="a")], MESSAGE)[0]
    assert complaints([{"type": "markdown", "text": "x" * 7000}] * 2, MESSAGE) != []
    assert complaints([chart()] * 3, MESSAGE) != []


@pytest.mark.parametrize("kind", ["container", "table", "markdown", "context_actions"])
def test_some_blocks_are_for_messages_only(kind: str) -> None:
    """What is for messages only is refused in a modal and on the Home tab."""
    (block,) = [one for one in RIGHT if one["type"] == kind]
    for surface in (MODAL, HOME):
        assert f"{kind} is not allowed in a {surface}" in complaints([block], surface)[0]


def test_views_have_their_own_rules() -> None:
    """A modal needs a short title, and a submit when it asks for something; a Home tab has neither."""
    asks = {
        "type": "input",
        "label": plain("x"),
        "element": {"type": "plain_text_input", "action_id": "a"},
    }
    modal = {"type": "modal", "title": plain("x" * 24), "submit": plain("Send"), "blocks": [asks]}
    assert view_complaints(modal) == []
    assert "/view/title/text" in view_complaints({**modal, "title": plain("x" * 25)})[0]
    assert "missing required field: submit" in view_complaints({**modal, "submit": None})[0]
    assert "/view/blocks/0/type" in view_complaints({**modal, "blocks": [{"type": "divided"}]})[0]
    assert view_complaints({"type": "home", "blocks": [section()]}) == []
    assert view_complaints({"type": "home", "blocks": [], "submit": plain("x")}) != []
    assert view_complaints({**modal, "private_metadata": "x" * 3001}) != []


def test_characters_are_counted_everywhere() -> None:
    """Texts inside containers and buttons count; ids do not."""
    inside = {"type": "container", "title": plain("123"), "child_blocks": [section("4567"), actions(button())]}
    assert characters([inside]) == 3 + 4 + 2


def test_ids_are_filled_in_and_elements_found_inside_containers() -> None:
    """Every block gets a block_id, and an element inside a container is found with the id of its block."""
    bare = actions({"type": "button", "text": plain("Go")}, block_id="inner")
    (filled,) = with_ids([{"type": "container", "title": plain("x"), "child_blocks": [bare]}])
    assert filled["block_id"]
    ((block_id, element),) = interactive([filled])
    assert (block_id, element["type"]) == ("inner", "button")
    assert element["action_id"]

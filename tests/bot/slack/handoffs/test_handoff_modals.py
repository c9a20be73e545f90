"""Forms for responders: `bot.slack.handoffs.handoff_modals`."""

from typing import Any

import pytest

from bot.sandbox.slack import blocks as slack
from bot.slack.handoffs import handoff_modals
from bot.slack.handoffs.handoff_modals import Offered

CATEGORIES = {"locked": "Locked account", "other": "Something else"}
VIEWS = {
    "handoff.replied": handoff_modals.reply_modal(3, "U0SAM"),
    "handoff.resolved": handoff_modals.resolve_modal(3, CATEGORIES),
    "handoff.reassigned": handoff_modals.reassign_modal(3, None),
    "handoff.given_back": handoff_modals.give_back_modal(3),
}


def fields(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields of a form by their block's name."""
    return {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}


@pytest.mark.parametrize("callback", VIEWS)
def test_slack_takes_the_form_and_it_comes_back_for_its_handoff(callback: str) -> None:
    """A form carries the handoff's id; each field is under its own name, where the listener looks."""
    view = VIEWS[callback]
    assert slack.view_complaints(view) == []
    assert (view["callback_id"], view["private_metadata"]) == (callback, "3")
    assert all(block["element"]["action_id"] == name for name, block in fields(view).items())


@pytest.mark.parametrize(
    ("callback", "names", "optional"),
    [
        ("handoff.replied", ["text"], []),
        ("handoff.resolved", ["done", "category", "agent_could"], []),
        ("handoff.reassigned", ["to", "why"], ["why"]),
        ("handoff.given_back", ["note", "say"], ["say"]),
    ],
)
def test_what_is_needed_must_be_filled_in(callback: str, names: list[str], optional: list[str]) -> None:
    """Slack itself sends no form back in which something that we need is missing."""
    found = fields(VIEWS[callback])
    assert list(found) == names
    assert [name for name, block in found.items() if block.get("optional")] == optional


def test_a_hundred_people_are_listed_by_name() -> None:
    """Slack takes as many, with names as long as an option may be, and who is on call is said."""
    people = [Offered(f"U{number:04}", f"{number:03}" + "x" * 72, on_call=number == 5) for number in range(100)]
    view = handoff_modals.reassign_modal(3, people)
    assert slack.view_complaints(view) == []
    element = fields(view)["to"]["element"]
    assert (element["type"], element["action_id"]) == ("static_select", "to")
    found = [(one["value"], one["text"]["text"], "description" in one) for one in element["options"]]
    assert found == [(one.user, one.name, one.on_call) for one in people]
    assert element["options"][5]["description"]["text"] == "On call"


def test_a_form_for_nobody_says_so() -> None:
    """An empty list would be refused by Slack, and would say nothing."""
    view = handoff_modals.reassign_modal(3, [])
    assert slack.view_complaints(view) == []
    assert fields(view) == {}
    assert "Nobody else can take this" in view["blocks"][0]["text"]["text"]
    assert "submit" not in view


def test_the_resolve_form_offers_what_the_card_says() -> None:
    """Each category of the agent, in its words, and both answers."""
    found = fields(VIEWS["handoff.resolved"])
    options = found["category"]["element"]["options"]
    assert {option["value"]: option["text"]["text"] for option in options} == CATEGORIES
    assert [option["value"] for option in found["agent_could"]["element"]["options"]] == ["yes", "no"]
    assert "They will read this" in found["done"]["hint"]["text"]


def test_who_reads_what_is_said_before_it_is_written() -> None:
    """A reply goes to the requester under the responder's name; a note and a reason never do."""
    reply = VIEWS["handoff.replied"]
    assert reply["blocks"][0]["text"]["text"] == "<@U0SAM> gets this in their thread, under your name."
    assert fields(reply)["text"]["element"]["max_length"] == 3_000
    assert "The requester does not see it." in fields(VIEWS["handoff.given_back"])["note"]["hint"]["text"]
    assert "Under your name, in their thread." in fields(VIEWS["handoff.given_back"])["say"]["hint"]["text"]
    assert "Only responders read this." in fields(VIEWS["handoff.reassigned"])["why"]["hint"]["text"]

"""The two tools that end the agent's part: `bot.tools.control`."""

from typing import get_args

import pytest

from bot.principals import Effect, Reason, Solved
from bot.tools import control
from bot.tools.control import HandOffArgs, ResolveArgs
from bot.tools.registry import REGISTRY

KEPT_FOR_CODE = {
    "not_permitted",
    "approval_needed",
    "no_progress",
    "identity_mismatch",
    "budget",
    "busy",
    "taken_over",
    "outage",
    "model_unavailable",
    "not_released",
    "agent_suspended",
    "error",
    "reopened",
}


TOOLS = {**REGISTRY, "resolve": control.resolving(("locked", "password"), Solved.ACCOUNT_ACTIVE)}


def test_the_loop_itself_carries_them_out() -> None:
    """They have no function, so that no door but the loop's can end a turn."""
    assert {name for name, tool in REGISTRY.items() if tool.run is None} == {"hand_off", "resolve"}
    assert REGISTRY["hand_off"].effect is REGISTRY["resolve"].effect is Effect.CONTROL


def test_a_model_gives_only_reasons_that_it_can_know() -> None:
    """Each is of the closed set; budget, bugs and permissions are for code to say."""
    offered = set(get_args(HandOffArgs.model_fields["reason"].annotation))
    assert offered <= set(Reason)
    assert offered | KEPT_FOR_CODE == set(Reason)
    assert not offered & KEPT_FOR_CODE


def test_every_reason_is_explained_to_the_model() -> None:
    """The description says when each is right."""
    described = REGISTRY["hand_off"].schema()["input_schema"]["properties"]["reason"]
    assert all(f"{reason}:" in described["description"] for reason in described["enum"])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hand_off", {"reason": "requested", "summary": ""}),
        ("hand_off", {"reason": "error", "summary": "x"}),
        ("hand_off", {"summary": "x"}),
        ("resolve", {"done": "", "category": "locked"}),
        ("resolve", {"done": "x", "category": "other"}),
        ("resolve", {"done": "x", "category": "locked", "closed": True}),
    ],
)
def test_what_says_nothing_is_not_taken(name: str, arguments: dict[str, object]) -> None:
    """No empty summary, no reason of its own making, no word on whether the ticket closes."""
    with pytest.raises(ValueError, match=f"wrong arguments for {name}"):
        TOOLS[name].parse(arguments)


def test_what_is_right_is_read() -> None:
    """The loop tells the two apart by the type of what was read."""
    summary = {"reason": "frustration", "summary": "They are upset."}
    assert REGISTRY["hand_off"].parse(summary) == HandOffArgs(reason="frustration", summary="They are upset.")
    done = {"done": "Unlocked it.", "category": "locked"}
    assert TOOLS["resolve"].parse(done) == ResolveArgs(done="Unlocked it.", category="locked")


def test_an_agent_resolves_as_its_card_says() -> None:
    """The model is offered the card's categories and no other, and is told of the directory only where it has a say."""
    tool = control.resolving(("known_product", "not_ours"), Solved.AGENTS_WORD)
    offered = tool.schema()["input_schema"]["properties"]["category"]
    assert offered == {
        "description": "What kind of trouble it was.",
        "type": "string",
        "enum": ["known_product", "not_ours"],
    }
    assert tool.description == "State what was done and close the ticket."
    assert "The directory must agree" in TOOLS["resolve"].description
    assert tool.parse({"done": "Told them.", "category": "not_ours"}) == ResolveArgs(
        done="Told them.", category="not_ours"
    )
    with pytest.raises(
        ValueError, match="wrong arguments for resolve: category: expected one of known_product, not_ours"
    ):
        tool.parse({"done": "Told them.", "category": "locked"})

"""The two tools that end the agent's part: `bot.tools.control`."""

from typing import get_args

import pytest

from bot.principals import Effect, Reason
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
    "model_unavailable",
    "not_released",
    "error",
    "reopened",
}


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
        REGISTRY[name].parse(arguments)


def test_what_is_right_is_read() -> None:
    """The loop tells the two apart by the type of what was read."""
    summary = {"reason": "frustration", "summary": "They are upset."}
    assert REGISTRY["hand_off"].parse(summary) == HandOffArgs(reason="frustration", summary="They are upset.")
    done = {"done": "Unlocked it.", "category": "locked"}
    assert REGISTRY["resolve"].parse(done) == ResolveArgs(done="Unlocked it.", category="locked")

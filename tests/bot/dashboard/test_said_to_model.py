"""What a step sent and got back is shown whatever its shape: `bot.dashboard.said_to_model`."""

from typing import Any

import pytest

from bot.dashboard import said_to_model
from bot.store.schema import Step, StepKind


def texts(kind: StepKind, request: Any, response: Any) -> dict[str, str]:
    """Return the texts of a step by their headings."""
    return dict(said_to_model.texts(Step(kind=kind, name="x", request=request, response=response)))


def test_a_model_call_reads_as_a_conversation() -> None:
    """Who said what, the calls of tools, and their results."""
    messages = [
        {"role": "user", "content": "I am locked out"},
        {"role": "assistant", "content": [{"type": "tool_use", "name": "unlock", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "done"}]}]},
    ]
    answer = {"content": [{"type": "text", "text": "You can sign in."}], "stop_reason": "end_turn"}
    shown = texts(StepKind.MODEL, {"messages": messages}, answer)
    assert shown["Prompt, 3 messages"].startswith('user: I am locked out\n\nassistant: calls unlock {\n  "a": 1\n}')
    assert shown["Prompt, 3 messages"].endswith("user: result: done")
    assert shown["Completion"] == "You can sign in."


def test_a_tool_call_shows_arguments_and_result() -> None:
    """As JSON; a call under way has no result."""
    shown = texts(StepKind.TOOL, {"arguments": {"who": "é"}}, {"content": {"status": "active"}, "ok": True})
    assert shown == {"Arguments": '{\n  "who": "é"\n}', "Result": '{\n  "status": "active"\n}'}
    assert list(texts(StepKind.TOOL, {}, None)) == ["Arguments"]


def test_deleted_words_are_said_to_be_deleted() -> None:
    """A prompt goes whole when its requester deletes what they wrote."""
    [(_, said)] = texts(StepKind.MODEL, {"messages": []}, None).items()
    assert said == "(deleted with the words of its requester)"


@pytest.mark.parametrize("odd", [None, 7, "text", [], [None], [{"role": 1}], [[1]], {"a": {"b": []}}])
def test_odd_shapes_are_shown(odd: Any) -> None:
    """A vendor may answer something new, and the page must still be made."""
    for kind in StepKind:
        shown = texts(kind, {"messages": odd, "arguments": odd}, {"content": odd})
        assert all(isinstance(one, str) for one in shown.values())


def test_a_long_text_is_cut_and_says_so() -> None:
    """A page stays small enough for a browser."""
    shown = texts(StepKind.TOOL, {"arguments": "x" * 50_000}, None)["Arguments"]
    assert len(shown) < said_to_model.LONGEST + 100
    assert shown.endswith("(30,002 more characters)")

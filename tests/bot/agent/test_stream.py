"""Putting a streamed answer together: `bot.agent.stream`."""

import json

import pytest

from bot.agent.stream import MALFORMED, assemble
from bot.budget.prices.pricing import Usage
from bot.errors import OutcomeUnknown
from tests.support.json_object import Json

START_USAGE: Json = {"input_tokens": 10, "output_tokens": 1}


def events(*blocks: tuple[Json, list[Json]], stop: str = "end_turn", **usage: Json) -> list[tuple[str, str]]:
    """Return a whole stream: a start, each block with its deltas, the last figures, a stop."""
    start = {"model": "m-1", "usage": START_USAGE | usage.get("start", {})}
    rows: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, (block, deltas) in enumerate(blocks):
        rows.append({"type": "content_block_start", "index": index, "content_block": block})
        rows += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        rows.append({"type": "content_block_stop", "index": index})
    rows.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage.get("last", {})})
    rows.append({"type": "message_stop"})
    return [(row["type"], json.dumps(row)) for row in rows]


def text(*pieces: str) -> tuple[Json, list[Json]]:
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]


def tool(*pieces: str, name: str = "resolve") -> tuple[Json, list[Json]]:
    block = {"type": "tool_use", "id": f"t-{name}", "name": name, "input": {}}
    return block, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def test_pieces_become_blocks() -> None:
    """Text and a tool's input are joined; no input at all is an empty object."""
    stream = events(text("Hel", "lo"), tool("", '{"a": ', "1}"), tool("", name="look"), stop="tool_use")
    content, stop, _ = assemble(stream)
    assert content[0] == {"type": "text", "text": "Hello"}
    assert [block["input"] for block in content[1:]] == [{"a": 1}, {}]
    assert stop == "tool_use"


def test_thinking_is_echoed_whole_with_its_signature() -> None:
    """The API wants thinking back as it was."""
    deltas = [{"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "sig"}]
    content, _, _ = assemble(events(({"type": "thinking", "thinking": "", "signature": ""}, deltas), text("x")))
    assert content[0] == {"type": "thinking", "thinking": "hm", "signature": "sig"}


def test_blank_text_is_left_out() -> None:
    """The API would refuse it in the next prompt."""
    assert assemble(events(text(" ", "\n"), text(), text("x")))[0] == ({"type": "text", "text": "x"},)


@pytest.mark.parametrize("sent", ['{"reason": "requ', "[1]", "null", '"x"', "{} {}"])
def test_an_input_that_is_no_object_is_marked(sent: str) -> None:
    """It becomes an argument that no tool takes, so that the model is told."""
    content, _, _ = assemble(events(tool(sent), stop="tool_use"))
    assert content[0]["input"] == {MALFORMED: sent}


def test_a_marked_input_is_short() -> None:
    """200 characters at most, whatever was sent."""
    content, _, _ = assemble(events(tool("x" * 5000), stop="tool_use"))
    assert content[0]["input"] == {MALFORMED: "x" * 200}


@pytest.mark.parametrize("sent", ["", '{"summary": "half of'])
def test_a_tool_call_that_the_limit_cut_in_half_is_dropped(sent: str) -> None:
    """Only the last one can be cut; whole ones before it stay."""
    content, stop, _ = assemble(events(tool('{"a": 1}'), tool(sent, name="hand_off"), stop="max_tokens"))
    assert [block["name"] for block in content] == ["resolve"]
    assert stop == "max_tokens"


def test_usage_is_the_last_cumulative_figure_with_the_split_of_the_start() -> None:
    """Counts come from the end, what only the start names stays."""
    start = {
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
        "service_tier": "priority",
        "inference_geo": "us",
        "speed": "fast",
    }
    last: Json = {
        "input_tokens": 12,
        "output_tokens": 50,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": None,
    }
    last["server_tool_use"] = {"web_search_requests": 2}
    _, _, usage = assemble(events(text("x"), start=start, last=last))
    assert usage == Usage(
        model="m-1",
        input_tokens=12,
        cache_read_tokens=7,
        cache_write_5m_tokens=20,
        cache_write_1h_tokens=10,
        output_tokens=50,
        web_searches=2,
        service_tier="priority",
        speed="fast",
        geo="us",
    )


def test_every_iteration_is_kept_with_its_own_model() -> None:
    """A call may be several samplings; one without a model is the call's."""
    parts = [{"input_tokens": 1, "output_tokens": 2, "model": "other"}, {"input_tokens": 3, "output_tokens": 4}]
    _, _, usage = assemble(events(text("x"), last={"output_tokens": 6, "iterations": parts}))
    assert [(part.model, part.input_tokens, part.output_tokens) for part in usage.iterations] == [
        ("other", 1, 2),
        ("m-1", 3, 4),
    ]


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": "12"},
        {"input_tokens": 1.5},
        {"input_tokens": True},
        {"cache_creation": [1]},
        {"server_tool_use": "none"},
        {"server_tool_use": {"web_search_requests": "2"}},
        {"iterations": [7]},
    ],
    ids=repr,
)
def test_counts_that_are_no_numbers_leave_the_outcome_unknown(usage: Json) -> None:
    """They could not be priced, and must not crash whoever tries."""
    with pytest.raises(OutcomeUnknown, match="no sense"):
        assemble(events(text("x"), start=usage, last={"output_tokens": 5}))


def test_what_is_counted_under_a_new_name_is_kept() -> None:
    """By the vendor's name for it; zeros and details of what is counted elsewhere are left out."""
    last: Json = {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 4}, "sound_tokens": 7}
    last["server_tool_use"] = {"web_search_requests": 1, "web_fetch_requests": 2, "new_requests": 0}
    _, _, usage = assemble(events(text("x"), last=last))
    assert (usage.others, usage.web_searches) == ({"sound_tokens": 7, "web_fetch_requests": 2}, 1)


def test_an_end_without_the_length_of_the_answer_is_marked() -> None:
    """The start counts a token or two of it, which would be far too little; what was said is kept."""
    content, _, usage = assemble(events(text("x"), last={"input_tokens": 10}))
    assert content == ({"type": "text", "text": "x"},)
    assert usage.others == {"untold_output_tokens": 1}


def test_a_stream_that_ends_early_is_no_answer() -> None:
    """However many events arrived, without the last one the outcome is unknown."""
    whole = events(text("a", "b"), tool('{"a": 1}'))
    for arrived in range(len(whole)):
        with pytest.raises(OutcomeUnknown):
            assemble(whole[:arrived])
    assert assemble(whole)


@pytest.mark.parametrize(
    "data", ['{"error": {"type": "overloaded_error"}}', "{}", "no json"], ids=["shaped", "bare", "text"]
)
def test_an_error_in_the_stream_leaves_the_outcome_unknown(data: str) -> None:
    """It may have been billed by then."""
    with pytest.raises(OutcomeUnknown, match="broke off"):
        assemble([*events(text("a"))[:3], ("error", data)])


@pytest.mark.parametrize(
    "event",
    [
        "no json",
        "[]",
        '{"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "x"}}',
        '{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}',
        '{"type": "message_start"}',
    ],
)
def test_nonsense_leaves_the_outcome_unknown(event: str) -> None:
    """Nothing that arrives can crash the reader."""
    with pytest.raises(OutcomeUnknown, match="no sense"):
        assemble([*events(text("a"))[:3], ("x", event)])


def test_unknown_events_and_deltas_are_passed_over() -> None:
    """The API may add some."""
    stream = events(({"type": "text", "text": ""}, [{"type": "new_delta"}, {"type": "text_delta", "text": "x"}]))
    stream.insert(1, ("new_event", '{"type": "new_event"}'))
    assert assemble(stream)[0] == ({"type": "text", "text": "x"},)

"""The spans of a turn, and the ids by which they find each other: `bot.telemetry.spans`, `bot.telemetry.trace_ids`."""

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from bot.telemetry import attributes as named
from bot.telemetry import spans, turn_record
from bot.telemetry.spans import SpanRecord, Tracing
from bot.telemetry.trace_ids import TraceIds
from bot.telemetry.turn_record import TurnTrace
from tests.support.paths import ROOT
from tests.support.source_trees import syntax_nodes

IDS = TraceIds.of("xoxb-secret", "deskhand:1:")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def made() -> Iterator[list[SpanRecord]]:
    """Return the spans that are made in this test."""
    found: list[SpanRecord] = []
    spans.switch(Tracing(IDS, found.append))
    yield found
    spans.switch(None)


def trace(turn_id: int = 7) -> TurnTrace | None:
    """Return the trace of a turn."""
    return spans.of_turn(turn_id, ticket_id=3, attempt=1, agent="access", release="access@1", model="stand-in-1")


def test_every_process_works_out_the_same_ids() -> None:
    """From the turn's number and the secret that all of them have; another secret or installation has others."""
    again = TraceIds.of("xoxb-secret", "deskhand:1:")
    assert [IDS.of_turn(7), IDS.conversation(3)] == [again.of_turn(7), again.conversation(3)]
    others = (TraceIds.of("xoxb-other", "deskhand:1:"), TraceIds.of("xoxb-secret", "deskhand:2:"))
    assert len({one.of_turn(number) for one in (IDS, *others) for number in range(100)}) == 300
    trace_id, span_id = IDS.of_turn(7)
    assert span_id not in {trace_id >> 64, trace_id % 2**64}
    assert IDS.conversation(3) not in {IDS.conversation(4), "3", *(one.conversation(3) for one in others)}
    assert 0 < trace_id < 2**128
    assert 0 < span_id < 2**64


def test_all_spans_of_a_turn_are_children_of_its_own(made: list[SpanRecord]) -> None:
    """Model calls, tools, the handoff and the messages are in one trace below `invoke_agent`, which ends it."""
    with turn_record.kept(trace()) as record:
        with spans.model_call("stand-in-1", max_tokens=100) as call:
            call.set({named.OUTPUT_TOKENS: 5})
        turn_record.model_called()
        turn_record.tool_called("look_up_my_account")
        with spans.tool_call("look_up_my_account"):
            pass
        spans.handed_off(7, agent="access", reason="requested")
        spans.turn_ended(7, outcome="handoff", reason="requested", accepted_at=NOON)
    with spans.message(7, kind="card", op="post", tries=1):
        pass
    assert record.tools == ["look_up_my_account"]
    assert [(one.name, one.kind) for one in made] == [
        ("chat stand-in-1", "client"),
        ("execute_tool look_up_my_account", "internal"),
        ("execute_tool hand_off", "internal"),
        ("invoke_agent access", "internal"),
        ("slack post", "client"),
    ]
    root = made[3]
    assert (root.trace_id, root.span_id, root.parent_id) == (*IDS.of_turn(7), None)
    assert {one.trace_id for one in made} == {root.trace_id}
    assert {one.parent_id for one in made if one is not root} == {root.span_id}
    assert len({one.span_id for one in made}) == len(made)
    assert root.started_ns == int(NOON.timestamp()) * 10**9
    assert root.attributes[named.TURNS] == 1
    assert root.attributes[named.TOOL_SEQUENCE] == ("look_up_my_account",)
    assert root.attributes[named.CONVERSATION] == IDS.conversation(3)
    assert made[2].attributes[named.HANDOFF_SOURCE] == "access"
    assert made[2].attributes[named.HANDOFF_TARGET] == "responders"


def test_a_turn_says_how_long_it_waited_for_approvals(made: list[SpanRecord]) -> None:
    """In milliseconds, and nothing where no approval was needed: that time is people's, and not the agent's."""
    for waited in (timedelta(seconds=90), timedelta()):
        with turn_record.kept(trace()):
            spans.turn_ended(7, outcome="reply", reason=None, accepted_at=NOON, waited=waited)
    assert [one.attributes.get(named.APPROVAL_WAIT_MS) for one in made] == [90_000, None]


def test_a_span_that_is_made_on_another_thread_keeps_its_turn(made: list[SpanRecord]) -> None:
    """A message is sent by whoever gets to it, in this process or another: its turn's number says where it belongs."""
    with turn_record.kept(trace()):
        spans.turn_ended(7, outcome="reply", reason=None, accepted_at=NOON)

    def say(number: int) -> None:
        with spans.message(7, kind="reply", op="post", tries=number):
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(say, range(1, 9)))
    assert len(made) == 9
    assert {(one.trace_id, one.parent_id) for one in made[1:]} == {IDS.of_turn(7)}


def test_turns_at_once_do_not_mix(made: list[SpanRecord]) -> None:
    """Each thread plays its own turn."""

    def play(turn_id: int) -> None:
        with turn_record.kept(trace(turn_id)):
            for _ in range(50):
                with spans.tool_call("resolve"):
                    turn_record.tool_called("resolve")
            spans.turn_ended(turn_id, outcome="reply", reason=None, accepted_at=NOON)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(play, range(1, 9)))
    roots = [one for one in made if one.parent_id is None]
    assert {one.trace_id for one in roots} == {IDS.of_turn(turn_id)[0] for turn_id in range(1, 9)}
    assert {len(one.attributes[named.TOOL_SEQUENCE]) for one in roots} == {50}  # type: ignore[arg-type]  # a sequence
    for root in roots:
        assert sum(one.parent_id == root.span_id for one in made) == 50


def test_an_error_is_on_the_span_and_goes_on(made: list[SpanRecord]) -> None:
    """By its class alone: its text may quote somebody."""
    with turn_record.kept(trace()), pytest.raises(ZeroDivisionError), spans.tool_call("resolve"):
        raise ZeroDivisionError("a person's words")
    [span] = made
    assert span.attributes[named.ERROR_TYPE] == "ZeroDivisionError"
    assert "words" not in str(span)


def test_what_was_not_done_after_all_has_no_span(made: list[SpanRecord]) -> None:
    """Such as a call that an earlier attempt has made."""
    with turn_record.kept(trace()), spans.tool_call("resolve") as span:
        span.drop()
    assert made == []


def test_without_a_collector_nothing_is_made() -> None:
    """Neither ids nor attributes; and outside of a turn there is nothing to belong to."""
    assert trace() is None
    with turn_record.kept(trace()) as record, spans.model_call("m", max_tokens=1) as span:
        span.set({named.OUTPUT_TOKENS: 5})
        spans.handed_off(7, agent="access", reason="requested")
        spans.turn_ended(7, outcome="reply", reason=None, accepted_at=NOON)
    assert (record.trace, span.attributes, span.started_ns) == (None, {}, 0)


def test_outside_of_a_turn_there_is_no_span(made: list[SpanRecord]) -> None:
    """An evaluation calls the same model, and a message may be of no turn."""
    with spans.model_call("m", max_tokens=1), spans.tool_call("resolve"):
        spans.turn_ended(7, outcome="reply", reason=None, accepted_at=NOON)
    with spans.message(None, kind="digest", op="post", tries=1):
        spans.handed_off(None, agent="access", reason="requested")
    assert made == []


def test_no_name_of_a_trace_is_written_elsewhere() -> None:
    """The conventions still move: a renamed attribute is one line in `bot.telemetry.attributes`."""
    values = {value for name, value in vars(named).items() if name.isupper() and "." in str(value)}
    assert len(values) > 20
    found: list[str] = []
    for top in ("bot", "jobs"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if file.name == "attributes.py" or file.is_relative_to(ROOT / "bot/sandbox"):
                continue
            found += [
                f"{file.relative_to(ROOT)}:{node.lineno}"
                for node in syntax_nodes(file)
                if isinstance(node, ast.Constant) and (node.value in values or str(node.value).startswith("gen_ai."))
            ]
    assert found == []

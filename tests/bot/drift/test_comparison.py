"""What a window is compared with, how a stream is cut, and what is said to have moved: `bot.drift`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.drift import comparison, streams
from bot.drift.comparison import WINDOWS, Past
from bot.store.figures.drift_checks import Shift
from bot.store.figures.first_turns import FirstTurn
from bot.store.schema import DriftStream
from tests.support.past_tickets import LOOKED_UP, PAST_BEGINS, UNLOCKED

USUAL = FirstTurn(1, 1, PAST_BEGINS, "reply", (LOOKED_UP, UNLOCKED), 3, 4.0, 50)
PAST = Past("access@2", (USUAL,) * 1000, "access@1", (USUAL,) * 700)


def tickets(count: int, **changes: object) -> list[FirstTurn]:
    """Return tickets that end one after another."""
    return [
        replace(USUAL, ticket_id=number, finished_at=PAST_BEGINS + timedelta(minutes=number), **changes)  # type: ignore[arg-type]
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("window", "served", "of"),
    [
        *((100, 99, None), (100, 100, ("access@1", 700)), (100, 599, ("access@1", 700))),
        *((100, 600, ("access@2", 500)), (100, 1099, ("access@2", 500)), (100, 1100, ("access@2", 1000))),
        *((1000, 999, None), (1000, 1499, ("access@1", 700)), (1000, 1999, ("access@2", 500))),
        (1000, 2000, ("access@2", 1000)),
    ],
)
def test_a_window_is_compared_with_what_was_before_it(window: int, served: int, of: tuple[str, int] | None) -> None:
    """The release's own first thousand tickets or, until the window fits behind them, 500, or the release before."""
    found = PAST.reference(window, served)
    assert (None if found is None else (found[0], len(found[1]))) == of


def test_without_a_release_before_nothing_is_compared_until_there_is_enough() -> None:
    """Nor with one that has served fewer than 500 tickets."""
    alone, few = Past("access@2", (USUAL,) * 400), replace(PAST, of_before=(USUAL,) * 499)
    for past in (alone, few):
        assert comparison.compare(past, tickets(400), 400, at=PAST_BEGINS) == ()


def test_every_stream_has_a_reading_for_each_window_that_fits() -> None:
    """With what it was compared with, and what that window could find."""
    readings = comparison.compare(PAST, tickets(1000), 1300, at=PAST_BEGINS)
    assert {(one.stream, one.window) for one in readings} == {
        (stream, one) for stream in DriftStream for one in WINDOWS
    }
    assert not any(one.drifted for one in readings)
    references = {one.window: (one.reference_release, one.reference) for one in readings}
    assert references == {100: ("access@2", 1000), 300: ("access@2", 1000), 1000: ("access@1", 700)}
    assert all(0 < one.detectable < 1 for one in readings)


def test_drift_says_what_moved() -> None:
    """The shares before and now, the largest shift first; the other streams stay as they were."""
    latest = tickets(200) + tickets(100, outcome="handoff")
    readings = comparison.compare(PAST, latest, 1300, at=PAST_BEGINS)
    found = {(one.stream, one.window): one for one in readings if one.drifted}
    assert set(found) == {(DriftStream.OUTCOME, 100), (DriftStream.OUTCOME, 300)}
    moved = found[DriftStream.OUTCOME, 300].moved
    assert moved == (Shift("handoff", 0.0, 100 / 300), Shift("reply", 1.0, 200 / 300))


def test_sequences_beyond_the_ten_most_frequent_are_one() -> None:
    """So a sequence that is new, however often, is seen as one of the others."""
    reference = [replace(USUAL, tools=(f"tool_{number}",)) for number in range(12) for _ in range(20 - number)]
    cell_of = streams.cut(DriftStream.TOOL_SEQUENCE, reference)
    assert [cell_of(replace(USUAL, tools=(f"tool_{number}",))) for number in (0, 9, 10, 11, 99)] == [
        *("tool_0", "tool_9", "other", "other", "other")
    ]
    assert cell_of(replace(USUAL, tools=())) == "other"
    assert streams.cut(DriftStream.TOOL_SEQUENCE, [USUAL])(USUAL) == f"{LOOKED_UP}, then {UNLOCKED}"


def test_numbers_are_cut_at_the_deciles_of_the_reference() -> None:
    """Each cell holds a tenth of the reference; what the reference never had falls into the first or the last one."""
    reference = [replace(USUAL, seconds=number / 10) for number in range(1000)]
    cell_of = streams.cut(DriftStream.LATENCY, reference)
    assert set(streams.count(cell_of, reference).values()) == {100}
    assert cell_of(replace(USUAL, seconds=10.0)) == "from 10 s to under 20 s"
    assert cell_of(replace(USUAL, seconds=-1.0)) == "under 10 s"
    assert cell_of(replace(USUAL, seconds=5000.0)) == "90 s or more"


def test_equal_deciles_are_one_cell() -> None:
    """A turn has one to three calls of the model: that makes three cells, and one alone makes one."""
    reference = [
        replace(USUAL, model_calls=calls) for calls, count in ((1, 50), (2, 30), (3, 20)) for _ in range(count)
    ]
    cell_of = streams.cut(DriftStream.MODEL_CALLS, reference)
    assert dict(streams.count(cell_of, reference)) == {"1 or fewer": 50, "2": 30, "3 or more": 20}
    assert streams.cut(DriftStream.MODEL_CALLS, [USUAL])(USUAL) == "any"


def test_whole_numbers_are_named_as_such() -> None:
    """A cell of several numbers is named by its first and its last one."""
    reference = [replace(USUAL, output_tokens=number) for number in range(100)]
    cells = set(streams.count(streams.cut(DriftStream.OUTPUT_TOKENS, reference), reference))
    assert {"9 or fewer", "10 to 19", "80 to 89", "90 or more"} < cells


def test_the_first_tool_may_be_none() -> None:
    """A ticket in which nothing was looked up has a cell of its own."""
    cell_of = streams.cut(DriftStream.FIRST_TOOL, [USUAL])
    assert (cell_of(USUAL), cell_of(replace(USUAL, tools=()))) == (LOOKED_UP, "no tool")

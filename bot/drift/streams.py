"""What is counted of tickets: the cell of each stream that a ticket falls into, as its reference cuts it. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import assert_never

from bot.drift.g_test import POOLED
from bot.store.figures.first_turns import FirstTurn
from bot.store.schema import DriftStream

SEQUENCES = 10
"How many tool sequences are told apart: the most frequent ones of the reference."
NO_TOOL = "no tool"

CellOf = Callable[[FirstTurn], str]
"Returns the cell of a stream that a ticket falls into."


def cut(stream: DriftStream, reference: Sequence[FirstTurn]) -> CellOf:
    """Return the cells of a stream, made from the tickets of the reference; windows are counted by the same cells."""
    match stream:
        case DriftStream.OUTCOME:
            return lambda one: one.outcome
        case DriftStream.FIRST_TOOL:
            return lambda one: one.tools[0] if one.tools else NO_TOOL
        case DriftStream.TOOL_SEQUENCE:
            return _sequences(reference)
        case DriftStream.MODEL_CALLS:
            return _deciles([one.model_calls for one in reference], lambda one: one.model_calls)
        case DriftStream.LATENCY:
            return _deciles([one.seconds for one in reference], lambda one: one.seconds, unit="{:.3g} s")
        case DriftStream.OUTPUT_TOKENS:
            return _deciles([one.output_tokens for one in reference], lambda one: one.output_tokens)
        case _:
            assert_never(stream)


def count(cell_of: CellOf, tickets: Sequence[FirstTurn]) -> Mapping[str, int]:
    """Return how many of these tickets fall into each cell."""
    return Counter(map(cell_of, tickets))


def _sequences(reference: Sequence[FirstTurn]) -> CellOf:
    frequent = Counter(map(_sequence, reference)).most_common(SEQUENCES)
    known = {sequence for sequence, _ in frequent}
    return lambda one: sequence if (sequence := _sequence(one)) in known else POOLED


def _sequence(one: FirstTurn) -> str:
    return ", then ".join(one.tools) or NO_TOOL


def _deciles(values: Sequence[float], value_of: Callable[[FirstTurn], float], *, unit: str | None = None) -> CellOf:
    """Return cells that begin at the deciles of some values; equal deciles make one cell.

    Args:
        values: the values of the reference.
        value_of: returns the value of a ticket.
        unit: how a value is written; None: they are whole numbers.
    """
    ordered = sorted(values)
    starts = sorted({ordered[len(ordered) * tenth // 10] for tenth in range(1, 10)} - {ordered[0]})
    names = (
        _names([unit.format(start) for start in starts]) if unit else _names_of_numbers([int(one) for one in starts])
    )
    return lambda one: names[bisect_right(starts, value_of(one))]


def _names(starts: Sequence[str]) -> Sequence[str]:
    if not starts:
        return ("any",)
    between = (f"from {low} to under {high}" for low, high in pairwise(starts))
    return (f"under {starts[0]}", *between, f"{starts[-1]} or more")


def _names_of_numbers(starts: Sequence[int]) -> Sequence[str]:
    if not starts:
        return ("any",)
    between = (str(low) if high == low + 1 else f"{low} to {high - 1}" for low, high in pairwise(starts))
    return (f"{starts[0] - 1} or fewer", *between, f"{starts[-1]} or more")

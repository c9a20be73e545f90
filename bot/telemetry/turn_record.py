"""What the turn on this thread has done so far, for its metrics and its trace: kept from its begin to its outcome.

Steps that are replayed count too: they are the turn's, whichever attempt made them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

Value = str | int | float | bool | Sequence[str]
"What an attribute of a span may hold."


@dataclass(frozen=True, slots=True)
class TurnTrace:
    """Which trace the spans of a turn belong to, and what all of them say."""

    turn_id: int
    agent: str
    about: Mapping[str, Value]


@dataclass(slots=True)
class TurnRecord:
    """The calls of one turn so far."""

    model_calls: int = 0
    tools: list[str] = field(default_factory=list)
    "The tools in the order in which they were called."
    trace: TurnTrace | None = None
    "None while no traces are made."


RECORD: ContextVar[TurnRecord | None] = ContextVar("turn_record", default=None)
"The record of the turn on this thread; None outside of a turn."


@contextmanager
def kept(trace: TurnTrace | None = None) -> Iterator[TurnRecord]:
    """Keep a record of what is done in the block, on this thread."""
    record = TurnRecord(trace=trace)
    before = RECORD.set(record)
    try:
        yield record
    finally:
        RECORD.reset(before)


def model_calls() -> int:
    """Return how many model calls the turn on this thread has made; 0 outside of a turn."""
    record = RECORD.get()
    return 0 if record is None else record.model_calls


def model_called() -> None:
    """Count a model call of the turn on this thread."""
    record = RECORD.get()
    if record is not None:
        record.model_calls += 1


def tool_called(name: str) -> None:
    """Note a tool call of the turn on this thread."""
    record = RECORD.get()
    if record is not None:
        record.tools.append(name)

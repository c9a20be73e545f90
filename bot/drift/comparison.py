"""Whether the last tickets of a release differ from its reference, stream by stream. Pure.

The reference is the first 1,000 tickets of the release. Until a window fits behind them it is the first 500, and until
one fits behind these the first 1,000 (500 at least) of the release before. Three windows of the last tickets are
compared with it; a window counts as drifted when the difference is neither chance (p below its limit) nor small
(Cramér's V). docs/decisions says which rule was measured, and what it finds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.drift import g_test, streams
from bot.store.figures.drift_checks import DriftReading, Shift
from bot.store.figures.first_turns import FirstTurn
from bot.store.schema import DriftStream

REFERENCE, LEAST_REFERENCE = 1_000, 500
WINDOWS = (100, 300, 1_000)
EVERY = 50
"A check is due when so many tickets have ended since the last one."
ALPHA = 0.0005
"The p-value below which one check of a stream counts, split evenly over the windows."
LEAST_EFFECT = 0.15
"The Cramér's V that a difference must reach."
SHIFTS = 3
"How many of the largest shifts are told."


@dataclass(frozen=True, slots=True)
class Past:
    """What a window may be compared with."""

    release: str
    own: Sequence[FirstTurn]
    "The first tickets of the release, `REFERENCE` at most."
    before: str | None = None
    "The release before, if it has served enough tickets."
    of_before: Sequence[FirstTurn] = ()

    def reference(self, window: int, served: int) -> tuple[str, Sequence[FirstTurn]] | None:
        """Return the release and the tickets that a window is compared with; None: there are too few.

        Args:
            window: how many of the last tickets the window has.
            served: how many tickets the release has served, or any larger number than `REFERENCE + window`.
        """
        for size in (REFERENCE, LEAST_REFERENCE):
            if served >= size + window:
                return self.release, self.own[:size]
        if served >= window and self.before is not None and len(self.of_before) >= LEAST_REFERENCE:
            return self.before, self.of_before
        return None


def compare(past: Past, latest: Sequence[FirstTurn], served: int, *, at: datetime) -> tuple[DriftReading, ...]:
    """Compare the last tickets of a release with its past; one reading a stream and window that has a reference.

    Args:
        past: what they are compared with.
        latest: the last tickets in the order of their ends, as many as the widest window if there are that many.
        served: how many tickets the release has served, or any larger number than `REFERENCE` and the widest window.
        at: when this is (UTC).
    """
    readings = []
    for window in WINDOWS:
        found = past.reference(window, served)
        if found is not None:
            release, reference = found
            readings += [_reading(stream, release, reference, latest[-window:], at) for stream in DriftStream]
    return tuple(readings)


def drifted(reference: Mapping[str, int], window: Mapping[str, int]) -> tuple[bool, g_test.GTest]:
    """Return whether the counts of a window show drift, with the test that says so."""
    test = g_test.compare(reference, window)
    return test.p_value < ALPHA / len(WINDOWS) and test.effect >= LEAST_EFFECT, test


def shifts(reference: Mapping[str, int], window: Mapping[str, int]) -> tuple[Shift, ...]:
    """Return what moved most: the cells that add most to the statistic, the largest first."""
    few, many = sum(window.values()), sum(reference.values())
    before, now = Counter(reference), Counter(window)

    def weight(cell: str) -> float:
        expected = (before[cell] + now[cell]) * few / (few + many)
        return (now[cell] - expected) ** 2 / expected

    cells = sorted({**reference, **window}, key=lambda cell: (-weight(cell), cell))
    return tuple(Shift(cell, before[cell] / many, now[cell] / few) for cell in cells[:SHIFTS])


def _reading(
    stream: DriftStream, release: str, reference: Sequence[FirstTurn], window: Sequence[FirstTurn], at: datetime
) -> DriftReading:
    cell_of = streams.cut(stream, reference)
    before, now = streams.count(cell_of, reference), streams.count(cell_of, window)
    has_drifted, test = drifted(before, now)
    return DriftReading(
        stream=stream,
        window=len(window),
        reference_release=release,
        reference=len(reference),
        p_value=test.p_value,
        effect=test.effect,
        detectable=g_test.detectable(before, len(window), alpha=ALPHA / len(WINDOWS), least_effect=LEAST_EFFECT),
        drifted=has_drifted,
        moved=shifts(before, now),
        at=at,
    )

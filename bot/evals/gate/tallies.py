"""What was played, counted: scores by slice, with the bounds that the number of cases allows. Pure.

Repeats of a case depend on each other, so the bounds count cases: a case weighs the share of its repeats that passed.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bot import intervals

CONFIDENCE = 0.95
"Confidence of each bound, one-sided."


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one case in one repeat."""

    case: str
    slice: str
    hard: bool
    passed: bool


@dataclass(frozen=True, slots=True)
class SliceTally:
    """The results of one slice."""

    slice: str
    hard: bool
    cases: int
    passed: int
    "How many plays passed."
    played: int
    rate: float
    low: float
    high: float
    "Bounds of the pass rate, each one-sided at 95 %."

    @property
    def bounds(self) -> str:
        """Return the bounds of the pass rate in words, rounded outwards; without a failure, never as 100 %."""
        low = math.floor(1_000 * self.low) / 10
        if self.passed == self.played:
            return f"no failure: at least {low:.1f} %"
        return f"{low:.1f} to {math.ceil(1_000 * self.high) / 10:.1f} %"


def tally(scores: Iterable[Score]) -> tuple[SliceTally, ...]:
    """Count the results by slice, hard slices first."""
    by_slice: dict[tuple[bool, str], list[Score]] = defaultdict(list)
    for score in scores:
        by_slice[not score.hard, score.slice].append(score)
    return tuple(_tally(name, hard=not soft, scores=rows) for (soft, name), rows in sorted(by_slice.items()))


def total(scores: Iterable[Score]) -> SliceTally:
    """Count the results over all slices."""
    return _tally("all", hard=False, scores=list(scores))


def by_case(scores: Iterable[Score]) -> dict[str, tuple[int, int]]:
    """Return for each case how many of its plays passed, and how many there were."""
    counts: dict[str, tuple[int, int]] = {}
    for score in scores:
        passed, played = counts.get(score.case, (0, 0))
        counts[score.case] = (passed + score.passed, played + 1)
    return counts


def failure_bound(cases: int) -> str:
    """Return in words the upper bound of the true failure rate when every case passed, rounded up."""
    return f"true failure rate below {math.ceil(1_000 * (1 - exact_lower_bound(cases))) / 10:.1f} %"


def exact_lower_bound(cases: int) -> float:
    """Return the exact lower bound (95 %, one-sided) of the pass rate when all of N cases passed: 0.05^(1/N).

    Source: Clopper and Pearson, The use of confidence or fiducial limits (1934), with N of N.
    """
    return math.exp(math.log(1 - CONFIDENCE) / cases)


def _tally(name: str, *, hard: bool, scores: list[Score]) -> SliceTally:
    counts = by_case(scores).values()
    weight = sum(passed / played for passed, played in counts)
    low, high = intervals.wilson(weight, len(counts), z=intervals.ONE_SIDE)
    exact = exact_lower_bound(len(counts))
    return SliceTally(
        slice=name,
        hard=hard,
        cases=len(counts),
        passed=sum(score.passed for score in scores),
        played=len(scores),
        rate=weight / len(counts),
        low=exact if all(score.passed for score in scores) else min(low, exact),
        high=high,
    )

"""The gate for a first release: absolute criteria, limited by what the number of cases can show.

A hard slice must have no failure; the lower bound of the pass rate over all cases must reach what the card asks.
Repeats of a case depend on each other, so the bounds count cases: a case weighs the share of its repeats that passed.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bot import intervals
from bot.store.schema import Verdict

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


@dataclass(frozen=True, slots=True)
class ReleaseVerdict:
    """Whether a release may serve, and why."""

    word: Verdict
    why: tuple[str, ...]


def decide(scores: Iterable[Score], *, pass_at_least: float) -> ReleaseVerdict:
    """Judge a first release by its scores.

    Args:
        scores: the score of every play.
        pass_at_least: the least lower bound of the pass rate over all cases.

    Raises:
        ValueError: there are no scores, which say nothing about the release.
    """
    scores = tuple(scores)
    if not scores:
        raise ValueError("no case was played")
    against = [
        f"hard slice {row.slice}: {row.played - row.passed} of {row.played} failed"
        for row in tally(scores)
        if row.hard and row.passed < row.played
    ]
    overall = total(scores)
    bound = f"lower bound of the pass rate over {overall.cases} cases {overall.low:.3f}"
    if overall.low < pass_at_least:
        against.append(f"{bound}, below {pass_at_least}")
    if against:
        return ReleaseVerdict(Verdict.BLOCK, tuple(against))
    hard = len({score.case for score in scores if score.hard})
    proof = f"no failure in {hard} hard cases: {failure_bound(hard)}" if hard else "no hard case"
    return ReleaseVerdict(Verdict.PASS, (proof, f"{bound}, at least {pass_at_least}"))


def tally(scores: Iterable[Score]) -> tuple[SliceTally, ...]:
    """Count the results by slice, hard slices first."""
    by_slice: dict[tuple[bool, str], list[Score]] = defaultdict(list)
    for score in scores:
        by_slice[not score.hard, score.slice].append(score)
    return tuple(_tally(name, hard=not soft, scores=rows) for (soft, name), rows in sorted(by_slice.items()))


def total(scores: Iterable[Score]) -> SliceTally:
    """Count the results over all slices."""
    return _tally("all", hard=False, scores=list(scores))


def failure_bound(cases: int) -> str:
    """Return in words the upper bound of the true failure rate when every case passed, rounded up."""
    return f"true failure rate below {math.ceil(1_000 * (1 - exact_lower_bound(cases))) / 10:.1f} %"


def exact_lower_bound(cases: int) -> float:
    """Return the exact lower bound (95 %, one-sided) of the pass rate when all of N cases passed: 0.05^(1/N)."""
    return math.exp(math.log(1 - CONFIDENCE) / cases)


def _tally(name: str, *, hard: bool, scores: list[Score]) -> SliceTally:
    by_case: dict[str, list[bool]] = defaultdict(list)
    for score in scores:
        by_case[score.case].append(score.passed)
    weight = sum(sum(passes) / len(passes) for passes in by_case.values())
    low, high = intervals.wilson(weight, len(by_case), z=intervals.ONE_SIDE)
    exact = exact_lower_bound(len(by_case))
    return SliceTally(
        slice=name,
        hard=hard,
        cases=len(by_case),
        passed=sum(score.passed for score in scores),
        played=len(scores),
        rate=weight / len(by_case),
        low=exact if all(score.passed for score in scores) else min(low, exact),
        high=high,
    )

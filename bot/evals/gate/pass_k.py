"""pass^k: how often a case passes k times in a row, which is what people see who come again. Pure.

With c of n plays passed, C(c, k) / C(n, k) is the unbiased estimate for one case (Yao et al., tau-bench (2024), after
Chen et al., Evaluating large language models trained on code (2021)). The interval is a bootstrap over the cases
(Efron, Bootstrap methods (1979), percentiles): their repeats depend on each other. It is drawn from a fixed seed, so
that the same plays always give the same figures.

The gate decides on pass^1. A fall of pass^3 alone is an alarm: the agent has become less steady.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from random import Random
from statistics import fmean

from bot.evals.gate import tallies
from bot.evals.gate.exact import CaseTable

KS = (1, 3, 5)
ALARM = 3
"The k of the alarm."
ALARM_WORD = "alarm: "
"How an alarm begins, among the reasons of a verdict."
DRAWS = 500
"Bootstrap samples."


@dataclass(frozen=True, slots=True)
class PassK:
    """pass^k over all cases."""

    k: int
    rate: float
    low: float
    high: float
    "Bounds of the rate, each one-sided at 95 %."

    @property
    def bounds(self) -> str:
        """Return the bounds in words, rounded outwards; without a failure, never as 100 %."""
        low = math.floor(1_000 * self.low) / 10
        if self.rate == 1:
            return f"no failure: at least {low:.1f} %"
        return f"{low:.1f} to {math.ceil(1_000 * self.high) / 10:.1f} %"

    @property
    def words(self) -> str:
        """Return the figure with its bounds; without a failure, the bound alone."""
        rate = "" if self.rate == 1 else f" {100 * self.rate:.1f} %"
        return f"pass^{self.k}{rate} ({self.bounds})"


def figures(counts: Iterable[tuple[int, int]]) -> tuple[PassK, ...]:
    """Return pass^k for each k for which every case was played often enough.

    Args:
        counts: for each case, how many of its plays passed and how many there were.
    """
    counts = tuple(counts)
    least = min((played for _, played in counts), default=0)
    return tuple(_figure(k, [estimate(passed, played, k) for passed, played in counts]) for k in KS if k <= least)


def estimate(passed: int, played: int, k: int) -> float:
    """Return the estimate of pass^k for one case, from 0 to 1; it was played at least k times."""
    return comb(passed, k) / comb(played, k)


def alarms(tables: Iterable[CaseTable]) -> tuple[str, ...]:
    """Return a sentence if pass^3 has fallen: the upper bound of the difference, drawn by case, is below zero."""
    tables = tuple(tables)
    if min((n for one in tables for n in (one.played, one.baseline_played)), default=0) < ALARM:
        return ()
    before = [estimate(one.baseline_passed, one.baseline_played, ALARM) for one in tables]
    now = [estimate(one.passed, one.played, ALARM) for one in tables]
    _, high = _bounds([one - other for one, other in zip(now, before, strict=True)])
    if high >= 0:
        return ()
    return (f"{ALARM_WORD}pass^{ALARM} fell from {fmean(before):.3f} to {fmean(now):.3f}, so it is less steady",)


def _figure(k: int, values: Sequence[float]) -> PassK:
    low, high = _bounds(values)
    return PassK(k, fmean(values), min(low, tallies.exact_lower_bound(len(values))), high)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """Return both bounds of the mean of the values over cases."""
    random, cases = Random(0), len(values)
    means = sorted(sum(random.choices(values, k=cases)) / cases for _ in range(DRAWS))
    outside = round(DRAWS * (1 - tallies.CONFIDENCE))
    return means[outside], means[-1 - outside]

"""The exact test of whether a release passes less often than its baseline, stratified by case. Pure.

If nothing has changed, each way to deal the passes of a case to its plays is equally likely. So the candidate's share
of them is hypergeometric, and its passes over all cases are distributed like the sum of independent ones: their
distributions are convolved. The p-value is the probability of that sum or a smaller one.

Source: the exact one-sided form of Mantel and Haenszel, Statistical aspects of the analysis of data (1959), as in Gart,
Point and interval estimation of the common odds ratio (1970). With one play each, it is McNemar's exact test.

Cases may be as different as they like, and their repeats as alike: each case is compared only with itself.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import comb, fsum

Distribution = tuple[float, ...]
"The probabilities of 0, 1, 2 ... passes above the least possible number."


@dataclass(frozen=True, slots=True)
class CaseTable:
    """The plays of one case by a candidate and by its baseline, at least one each."""

    passed: int
    played: int
    baseline_passed: int
    baseline_played: int

    @property
    def difference(self) -> float:
        """Return the candidate's pass rate less the baseline's, from -1 to 1."""
        return self.passed / self.played - self.baseline_passed / self.baseline_played

    @property
    def variance(self) -> float:
        """Return the variance of the difference if nothing has changed: that of the deal, which is hypergeometric."""
        plays = self.played + self.baseline_played
        rate = (self.passed + self.baseline_passed) / plays
        return rate * (1 - rate) * (1 / self.played + 1 / self.baseline_played) * plays / (plays - 1)


def p_value(tables: Iterable[CaseTable]) -> float:
    """Return how likely the candidate's passes are to be as few or fewer if nothing has changed, from 0 to 1."""
    observed, alike = 0, Counter[tuple[int, int, int]]()
    for table in tables:
        passes = table.passed + table.baseline_passed
        alike[table.played, table.baseline_played, passes] += 1
        observed += table.passed - max(0, passes - table.baseline_played)
    distribution: Distribution = (1.0,)
    for (played, baseline_played, passes), cases in sorted(alike.items()):
        distribution = _sum_of(distribution, _of_cases(played, baseline_played, passes, cases))
    return min(1.0, fsum(distribution[: observed + 1]))


@lru_cache(maxsize=4096)
def _of_cases(played: int, baseline_played: int, passes: int, cases: int) -> Distribution:
    """Return the distribution of the candidate's passes over cases with the same margins."""
    if cases > 1:
        half, rest = cases // 2, cases - cases // 2
        return _sum_of(
            _of_cases(played, baseline_played, passes, half), _of_cases(played, baseline_played, passes, rest)
        )
    ways = comb(played + baseline_played, passes)
    least, most = max(0, passes - baseline_played), min(played, passes)
    return tuple(comb(played, own) * comb(baseline_played, passes - own) / ways for own in range(least, most + 1))


def _sum_of(one: Distribution, other: Distribution) -> Distribution:
    """Return the distribution of the sum of two independent numbers."""
    total = [0.0] * (len(one) + len(other) - 1)
    for first, chance in enumerate(one):
        for second, also in enumerate(other):
            total[first + second] += chance * also
    return tuple(total)

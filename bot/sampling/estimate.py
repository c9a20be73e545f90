"""The share of all turns that is good, by samples that stand for different numbers of turns, with an interval. Pure.

The turns fall into strata: those that are kept for certain, of which all are scored, and for each week the others, of
which a part is. A stratum's share is weighted by its turns, which is the same as weighting each scored turn by the
inverse of its chance to be scored (Horvitz and Thompson, A generalization of sampling without replacement, 1952).

The interval of 95 % is made in two steps. The weeks are joined to one Wilson interval with their effective number of
turns (Kish, Survey Sampling, 1965): each by itself mostly has no failure, and so no variance to be seen. That interval
and the one of the turns kept for certain are joined by the method of variance estimates recovery (Zou, Huang and Zhang,
A note on confidence interval estimation for a linear function of binomial proportions, 2009). It is of the chance that
a turn is good, and not of the turns that there were: when every turn was scored it still has a width.
tests/bot/sampling/test_estimate.py simulates its coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot import intervals


@dataclass(frozen=True, slots=True)
class Stratum:
    """Turns of which each had the same chance to be scored."""

    turns: float
    "How many there were; in parts where only their share of a week is known."
    scored: int
    good: int


@dataclass(frozen=True, slots=True)
class WeightedShare:
    """A share from 0 to 1, with the bounds of its interval of 95 %."""

    rate: float
    low: float
    high: float
    effective: float
    "How many turns, all drawn alike, would tell as much."


def share(certain: Stratum, drawn: Sequence[Stratum]) -> WeightedShare | None:
    """Return the share of good turns. None: nothing is scored yet.

    Args:
        certain: the turns that are kept for certain.
        drawn: of each week, the others. A week of which nothing is scored yet is left out.
    """
    parts = [one for one in (_joined([certain]), _joined(drawn)) if one is not None]
    turns = sum(weight for weight, _ in parts)
    if not turns:
        return None
    rate = below = above = spread = 0.0
    for part, one in parts:
        weight = part / turns
        rate += weight * one.rate
        below += (weight * (one.rate - one.low)) ** 2
        above += (weight * (one.high - one.rate)) ** 2
        spread += weight**2 / one.effective
    return WeightedShare(rate, max(0.0, rate - below**0.5), min(1.0, rate + above**0.5), 1 / spread)


def _joined(strata: Sequence[Stratum]) -> tuple[float, WeightedShare] | None:
    """Return how many turns some strata have, and their share with its Wilson interval."""
    known = [one for one in strata if one.scored and one.turns]
    turns = sum(one.turns for one in known)
    if not turns:
        return None
    rate = sum(one.turns / turns * one.good / one.scored for one in known)
    effective = 1 / sum((one.turns / turns) ** 2 / one.scored for one in known)
    low, high = intervals.wilson(rate * effective, effective)
    return turns, WeightedShare(rate, min(low, rate), max(high, rate), effective)

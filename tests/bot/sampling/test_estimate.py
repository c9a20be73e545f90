"""The share of good turns by a weighted sample, and how often its interval holds the truth: `bot.sampling.estimate`."""

import random

import pytest

from bot import intervals
from bot.sampling import draw, estimate
from bot.sampling.estimate import Stratum

NOTHING = Stratum(0, 0, 0)


def test_each_stratum_weighs_as_many_turns_as_it_has() -> None:
    """Ten handoffs, all scored, and answers of two weeks, of each of which 20 are: 60 and 30 of 100."""
    found = estimate.share(Stratum(10, 10, 5), [Stratum(60, 20, 19), Stratum(30, 20, 20)])
    assert found is not None
    assert found.rate == pytest.approx(0.1 * 0.5 + 0.6 * 19 / 20 + 0.3)
    assert found.low < found.rate < found.high
    assert found.effective == pytest.approx(1 / (0.1**2 / 10 + 0.6**2 / 20 + 0.3**2 / 20))


def test_one_stratum_has_the_interval_of_wilson() -> None:
    """Nothing is added where there is nothing to join; and without any failure the upper bound is 1."""
    found = estimate.share(Stratum(7, 7, 6), [])
    assert found is not None
    assert (found.low, found.high) == pytest.approx(intervals.wilson(6, 7))
    all_good = estimate.share(Stratum(5, 5, 5), [Stratum(50, 30, 30)])
    assert all_good is not None
    assert (all_good.rate, all_good.high) == pytest.approx((1.0, 1.0))
    assert 0.8 < all_good.low < 1


def test_what_is_not_scored_yet_is_left_out() -> None:
    """A week that has just begun says nothing; with nothing scored at all there is no share."""
    ten = Stratum(10, 10, 9)
    assert estimate.share(ten, [ten, Stratum(300, 0, 0)]) == estimate.share(ten, [ten])
    assert estimate.share(NOTHING, [Stratum(300, 0, 0)]) is None
    assert estimate.share(NOTHING, []) is None


@pytest.mark.parametrize(
    ("weeks", "turns", "certain", "good_certain", "good"),
    [(1, 100, 0.2, 0.9, 0.97), (4, 400, 0.25, 0.8, 0.98), (4, 60, 0.5, 0.95, 0.9), (2, 900, 0.1, 0.6, 0.95)],
)
def test_the_interval_holds_the_truth_in_19_of_20_samples(
    weeks: int, turns: int, certain: float, good_certain: float, good: float
) -> None:
    """Over 1,000 simulated months of each kind, drawn by the rule: at least 93.5 %, and the share is not biased."""
    dice, held, mean, times = random.Random(17), 0, 0.0, 1_000
    truth = certain * good_certain + (1 - certain) * good
    for _ in range(times):
        strata, sure, fine = list[Stratum](), 0, 0
        for _ in range(weeks):
            kept = sum(dice.random() < certain for _ in range(turns))
            rest = turns - kept
            count = max(sum(dice.random() < draw.SHARE for _ in range(rest)), min(draw.AT_LEAST, rest))
            strata.append(Stratum(rest, count, sum(dice.random() < good for _ in range(count))))
            sure, fine = sure + kept, fine + sum(dice.random() < good_certain for _ in range(kept))
        found = estimate.share(Stratum(sure, sure, fine), strata)
        assert found is not None
        held += found.low <= truth <= found.high
        mean += found.rate / times
    assert held / times >= 0.935
    assert mean == pytest.approx(truth, abs=0.005)

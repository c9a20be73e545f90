"""The corrected share, against what is known and against draws."""

from random import Random

import pytest

from bot.evals.judge import rogan_gladen
from bot.evals.judge.rogan_gladen import Agreement


def times(random: Random, share: float, of: int) -> int:
    """Return how many of so many draws come true."""
    return sum(random.random() < share for _ in range(of))


def test_a_perfect_judge_is_left_alone() -> None:
    """With no error in 60 + 60 labels the corrected rate is the judge's, within an interval around it."""
    found = rogan_gladen.corrected(80, 100, Agreement(60, 60, 60, 60))
    assert found.rate == pytest.approx(0.8)
    assert 0.68 < found.low < 0.8 < found.high < 0.9


def test_the_errors_of_the_judge_are_taken_out() -> None:
    """A judge that lets a third of the bad answers through calls 95 of 100 good when 92.5 are."""
    lenient = Agreement(good=60, good_found=60, bad=60, bad_found=40)
    assert rogan_gladen.corrected(95, 100, lenient).rate == pytest.approx(0.925)
    assert rogan_gladen.corrected(20, 100, lenient).rate == 0.0


def test_a_calibration_of_more_answers_gives_a_narrower_interval() -> None:
    """The error of the calibration is in the interval, and it stays when ever more answers are judged."""
    few, many = Agreement(60, 54, 60, 54), Agreement(600, 540, 600, 540)
    widths = [one.high - one.low for one in (rogan_gladen.corrected(8_000, 10_000, each) for each in (few, many))]
    assert widths[0] > 2.5 * widths[1] > 0.05


@pytest.mark.parametrize(
    ("called_good", "judged", "agreement"),
    [(5, 10, Agreement(60, 30, 60, 30)), (5, 10, Agreement(60, 20, 60, 30)), (0, 0, Agreement(60, 60, 60, 60))],
)
def test_a_judge_that_tells_nothing_corrects_nothing(called_good: int, judged: int, agreement: Agreement) -> None:
    """At or below a coin's agreement, or with nothing judged, there is no figure."""
    with pytest.raises(ValueError, match="tells nothing"):
        rogan_gladen.corrected(called_good, judged, agreement)


@pytest.mark.parametrize("truth", [0.6, 0.8, 0.9, 0.97])
@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.95, 0.9), (0.9, 0.75)])
def test_the_interval_holds_the_truth_about_95_times_in_100(
    truth: float, sensitivity: float, specificity: float
) -> None:
    """Of 1,500 calibrations of 60 + 60 with 150 judged answers each; three standard errors are 1.7 points."""
    random, held, runs = Random(f"{truth} {sensitivity}"), 0, 1_500
    called = truth * sensitivity + (1 - truth) * (1 - specificity)
    for _ in range(runs):
        agreement = Agreement(60, times(random, sensitivity, 60), 60, times(random, specificity, 60))
        found = rogan_gladen.corrected(times(random, called, 150), 150, agreement)
        held += found.low <= truth <= found.high
    assert 0.93 <= held / runs <= 0.99, held / runs

"""How often the probes cry wolf, and how soon they find a change: seeded, by the product's own decision.

The cases are as those of the gate's simulation: a pass rate of 90 %, and as different as those of a real agent.
"""

from collections.abc import Callable
from random import Random

import pytest

from bot.evals.gate import probing
from bot.store.schema import ProbeState

PROBES = 30
RATE, ALIKE = 0.90, 0.40
"The pass rate, and the share of its variance that lies between the cases."
MONTH, WEEK = 60, 14
"Runs of the probes."
Change = Callable[[int, float], float]
"From the number of a case and its pass rate to its pass rate from now on."


def unchanged(_case: int, rate: float) -> float:
    """Return the same pass rate."""
    return rate


def ten_points_less(_case: int, rate: float) -> float:
    """Return a pass rate that is lower by ten points on average."""
    return rate * (RATE - 0.10) / RATE


def twenty_points_less(_case: int, rate: float) -> float:
    """Return a pass rate that is lower by twenty points on average."""
    return rate * (RATE - 0.20) / RATE


def three_broken(case: int, rate: float) -> float:
    """Return zero for three of the thirty cases."""
    return 0.0 if case < 3 else rate


def found_after(random: Random, change: Change, *, repeats: int, runs: int) -> int | None:
    """Return after how many runs a release that has changed on its first day is found to be worse; None: never.

    Args:
        random: the source of chance.
        change: what has become of it.
        repeats: how often its evaluation has played each case.
        runs: how many runs of the probes there are.
    """
    size = 1 / ALIKE - 1
    rates = [random.betavariate(RATE * size, (1 - RATE) * size) for _ in range(PROBES)]
    evaluation = {
        str(case): (sum(random.random() < rate for _ in range(repeats)), repeats) for case, rate in enumerate(rates)
    }
    later, last = [change(case, rate) for case, rate in enumerate(rates)], list[dict[str, bool]]()
    for number in range(1, runs + 1):
        last = [{str(case): random.random() < rate for case, rate in enumerate(later)}, *last][: probing.LONGEST]
        if probing.read(last, evaluation, ()).state is ProbeState.WORSE:
            return number
    return None


def found(change: Change, *, repeats: int, runs: int, releases: int) -> list[int]:
    """Return after how many runs the releases that are found to be worse were found, in order."""
    random = Random(f"{change.__name__} {repeats}")
    seen = [found_after(random, change, repeats=repeats, runs=runs) for _ in range(releases)]
    return sorted(one for one in seen if one is not None)


@pytest.mark.parametrize("repeats", [2, 6])
def test_an_unchanged_release_is_left_alone(repeats: int) -> None:
    """In a month of two runs a day about one in fifty is called worse, after an evaluation short or long."""
    assert len(found(unchanged, repeats=repeats, runs=MONTH, releases=25)) <= 2


@pytest.mark.parametrize(
    ("change", "repeats", "least", "median"),
    [
        (twenty_points_less, 6, 0.95, 3),
        (twenty_points_less, 2, 0.85, 7),
        (ten_points_less, 6, 0.75, 10),
        (three_broken, 6, 0.65, 10),
    ],
)
def test_a_change_is_found_within_a_week(change: Change, repeats: int, least: float, median: int) -> None:
    """Nearly every large one, within days; most of ten points, and three broken cases of thirty."""
    releases = 20
    seen = found(change, repeats=repeats, runs=WEEK, releases=releases)
    assert len(seen) / releases >= least
    assert seen[len(seen) // 2] <= median

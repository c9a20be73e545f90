"""Rounding, adding up and quantiles: `bot.store.figures.histograms`."""

from math import ceil

from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import BigInteger, cast, literal, null, select

from bot.store.db import Database
from bot.store.figures import histograms
from bot.store.figures.histograms import Histogram
from bot.store.handoffs.handoff_metrics import Spread

DURATIONS = (-5, 0, 4, 99, 100, 104, 105, 994, 995, 999, 1_000, 1_049, 1_050, 14_499, 14_500, 99_499, 99_500, 10**12)
ROUNDED = (0, 0, 4, 99, 100, 100, 110, 990, 1_000, 1_000, 1_000, 1_000, 1_100, 14_000, 15_000, 99_000, 100_000, 10**12)


def test_a_duration_has_two_significant_digits(database: Database) -> None:
    """Half goes up, below 100 ms nothing is rounded, and SQL rounds like Python."""
    assert tuple(map(histograms.rounded, DURATIONS)) == ROUNDED
    with database.read() as session:
        found = [session.scalar(select(histograms.rounded_in_sql(literal(one, BigInteger())))) for one in DURATIONS]
        nothing = session.scalar(select(histograms.rounded_in_sql(cast(null(), BigInteger()))))
    assert (tuple(found), nothing) == (ROUNDED, None)


@given(some.integers(0, 9 * 10**12))
def test_each_rounded_duration_has_a_cell_of_its_own(milliseconds: int) -> None:
    """From a cell comes the duration that it stands for, and a longer one has a later cell."""
    duration = histograms.rounded(milliseconds)
    number = histograms.cell(duration)
    assert histograms.duration_of(number) == duration
    assert histograms.rounded(histograms.duration_of(number + 1)) == histograms.duration_of(number + 1) > duration


@given(some.lists(some.lists(some.integers(0, 10**9)), min_size=1), some.integers(1, 100))
def test_the_quantile_of_days_together_is_the_rounded_quantile(days: list[list[int]], percent: int) -> None:
    """Rounding keeps order, so days can be put together without the durations themselves; storing changes nothing."""
    together = Histogram()
    for durations in days:
        of_day = Histogram()
        for one in durations:
            of_day.count(histograms.rounded(one))
        first, *counts = Histogram.of(of_day.stored).stored
        together.add(first, counts)
    exact = sorted(one for durations in days for one in durations)
    found = histograms.rounded(exact[ceil(percent * len(exact) / 100) - 1]) if exact else None
    assert together.quantiles(percent, percent) == (found, found)
    assert together.spread().count == len(exact)


def test_a_histogram_is_as_long_as_its_range() -> None:
    """However many durations it holds: the cells between the shortest and the longest, 90 to a power of ten."""
    histogram = Histogram()
    histogram.count(30_000, 1_000_000)
    histogram.count(3_000, 2)
    assert histogram.stored == [210, 2, *[0] * 89, 1_000_000]
    assert histogram.quantiles(50) == (30_000,)
    histogram.add(0, [])
    assert histogram.first == 210


def test_nothing_has_no_quantile() -> None:
    """Not 0."""
    assert Histogram().quantiles(50, 90) == (None, None)
    assert Histogram.of(Histogram().stored) == Histogram()
    assert Histogram().spread() == Spread()

"""Rounding and quantiles: `bot.store.figures.quantiles`."""

from math import ceil

from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import BigInteger, cast, literal, null, select

from bot.store.db import Database
from bot.store.figures import quantiles

DURATIONS = (-5, 0, 4, 99, 100, 104, 105, 994, 995, 999, 1_000, 1_049, 1_050, 14_499, 14_500, 99_499, 99_500, 10**12)
ROUNDED = (0, 0, 4, 99, 100, 100, 110, 990, 1_000, 1_000, 1_000, 1_000, 1_100, 14_000, 15_000, 99_000, 100_000, 10**12)


def test_a_duration_has_two_significant_digits(database: Database) -> None:
    """Half goes up, below 100 ms nothing is rounded, and SQL rounds like Python."""
    assert tuple(map(quantiles.rounded, DURATIONS)) == ROUNDED
    with database.read() as session:
        found = [session.scalar(select(quantiles.rounded_in_sql(literal(one, BigInteger())))) for one in DURATIONS]
        nothing = session.scalar(select(quantiles.rounded_in_sql(cast(null(), BigInteger()))))
    assert (tuple(found), nothing) == (ROUNDED, None)


@given(some.lists(some.integers(0, 10**9), min_size=1), some.integers(1, 100))
def test_the_quantile_of_rounded_durations_is_the_rounded_quantile(durations: list[int], percent: int) -> None:
    """Rounding keeps order, so days can be put together without the durations themselves."""
    exact = sorted(durations)[ceil(percent * len(durations) / 100) - 1]
    counts: dict[int, int] = {}
    for one in durations:
        counts[quantiles.rounded(one)] = counts.get(quantiles.rounded(one), 0) + 1
    assert quantiles.nearest_rank(counts, percent) == quantiles.rounded(exact)


def test_nothing_has_no_quantile() -> None:
    """Not 0."""
    assert quantiles.nearest_rank({}, 50) is None

"""Durations to two significant digits, and their quantiles by nearest rank.

A duration is a whole number of milliseconds, rounded half up to two significant digits, so that those of many days fit
into a few hundred numbers: 87, 990, 1,200, 15,000. Rounding keeps order, so a quantile of rounded durations is the
rounded quantile of the durations themselves: it is off by 5 % at most, however many days are put together.

A quantile is the smallest duration with at least that share of all durations up to it (nearest rank): one that somebody
really waited, to two digits.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, case, literal

UNITS: tuple[int, ...] = tuple(10**power for power in range(12))
"What durations below 100 times as much are rounded to; the last is enough for thousands of years."


def rounded(milliseconds: int) -> int:
    """Round a duration half up to two significant digits; a negative one, of a clock that was set back, counts as 0."""
    unit = next(unit for unit in UNITS if milliseconds < 100 * unit)
    return max(0, (milliseconds + unit // 2) // unit * unit)


def rounded_in_sql(milliseconds: ColumnElement[int]) -> ColumnElement[int]:
    """Return `rounded` of a column of durations, in SQL; NULL stays NULL."""
    steps = [(milliseconds < 0, literal(0)), (milliseconds < 100 * UNITS[0], milliseconds)]
    steps += [(milliseconds < 100 * unit, (milliseconds + unit // 2) // unit * unit) for unit in UNITS[1:]]
    return case(*steps, else_=None)


def nearest_rank(durations: Mapping[int, int], percent: int) -> int | None:
    """Return a quantile in milliseconds; None: there are no durations.

    Args:
        durations: how often each duration occurred.
        percent: 50 for the median.
    """
    count = sum(durations.values())
    seen = 0
    for duration in sorted(durations):
        seen += durations[duration]
        if seen * 100 >= count * percent:
            return duration
    return None

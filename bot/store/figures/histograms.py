"""Histograms of durations to two significant digits: they can be put together, and have quantiles by nearest rank.

A duration is a whole number of milliseconds, rounded half up to two significant digits: 87, 990, 1,200, 15,000. Each
such number has a cell, 90 of them to a power of ten. Rounding keeps order, so a quantile of rounded durations is the
rounded quantile of the durations themselves: it is off by 5 % at most, however many days are put together.

A histogram is dense: it holds how many durations are in each cell, from the first that has one to the last. So a
histogram of a million durations is as short, as quickly read and as quickly added to another as one of a hundred.

A quantile is the smallest duration with at least that share of all durations up to it (nearest rank): one that somebody
really waited, to two digits.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import add

from sqlalchemy import ColumnElement, case, literal

from bot.store.handoffs.handoff_metrics import Spread

UNITS: tuple[int, ...] = tuple(10**power for power in range(12))
"What durations below 100 times as much are rounded to; the last is enough for thousands of years."
EXACT, A_POWER = 100, 90
"Cells of durations that are not rounded, and cells of each further power of ten: those of 10 to 99 units."


def rounded(milliseconds: int) -> int:
    """Round a duration half up to two significant digits; a negative one, of a clock that was set back, counts as 0."""
    if milliseconds < EXACT:
        return max(0, milliseconds)
    unit = UNITS[len(str(milliseconds)) - 2]
    return (milliseconds + unit // 2) // unit * unit


def rounded_in_sql(milliseconds: ColumnElement[int]) -> ColumnElement[int]:
    """Return `rounded` of a column of durations, in SQL; NULL stays NULL."""
    steps = [(milliseconds < 0, literal(0)), (milliseconds < 100 * UNITS[0], milliseconds)]
    steps += [(milliseconds < 100 * unit, (milliseconds + unit // 2) // unit * unit) for unit in UNITS[1:]]
    return case(*steps, else_=None)


def cell(duration: int) -> int:
    """Return the number of the cell of a rounded duration."""
    if duration < EXACT:
        return duration
    power = len(str(duration)) - 2
    return EXACT + A_POWER * (power - 1) + duration // UNITS[power] - 10


def duration_of(number: int) -> int:
    """Return the milliseconds that a cell stands for."""
    if number < EXACT:
        return number
    power, place = divmod(number - EXACT, A_POWER)
    return (10 + place) * UNITS[power + 1]


@dataclass(slots=True)
class Histogram:
    """How many durations are in each cell, from the first on."""

    first: int = 0
    "The number of the first cell."
    counts: list[int] = field(default_factory=list)
    "How many durations are in it, and in each cell after it."

    @classmethod
    def of(cls, stored: Sequence[int]) -> "Histogram":
        """Return a histogram that was stored."""
        first, *counts = stored
        return cls(first, counts)

    @property
    def stored(self) -> list[int]:
        """Return it as it is stored: the number of the first cell, and then the counts."""
        return [self.first, *self.counts]

    def count(self, duration: int, times: int = 1) -> None:
        """Add a rounded duration, so many times."""
        number = cell(duration)
        place = number - self.first
        if self.counts and 0 <= place < len(self.counts):
            self.counts[place] += times
        else:
            self.add(number, [times])

    def add(self, first: int, counts: Sequence[int]) -> None:
        """Add the durations of cells that follow each other."""
        if not self.counts or not counts:
            if counts:
                self.first, self.counts = first, list(counts)
            return
        if first < self.first:
            self.counts[:0] = [0] * (self.first - first)
            self.first = first
        start, end = first - self.first, first - self.first + len(counts)
        self.counts += [0] * (end - len(self.counts))
        self.counts[start:end] = map(add, self.counts[start:end], counts)

    def quantiles(self, *percents: int) -> tuple[int | None, ...]:
        """Return quantiles in milliseconds, such as the median for 50; None: there are no durations."""
        reached = list(accumulate(self.counts))
        if not reached:
            return tuple(None for _ in percents)
        ranks = (-(-reached[-1] * percent // 100) for percent in percents)
        return tuple(duration_of(self.first + bisect_left(reached, rank)) for rank in ranks)

    def spread(self) -> Spread:
        """Return the number of durations, their median and their 90th percentile."""
        median, p90 = self.quantiles(50, 90)
        if median is None or p90 is None:
            return Spread()
        return Spread(sum(self.counts), median / 1000, p90 / 1000)

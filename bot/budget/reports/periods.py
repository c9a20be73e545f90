"""The period of a digest, and when it is due: a week, and after the first quarter a month.

Weeks and months begin at midnight in the time zone of the budgets. A digest is due at the first day and time after its
period that the budgets name, until the next digest is due: a clock that was down sends only the last one.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.budget.caps import Budgets, DigestSchedule
from bot.errors import ConfigError

Kind = Literal["week", "month"]

FIRST_QUARTER = timedelta(weeks=13)
"Digests are weekly for this long after the first call."

_NAMES: tuple[tuple[re.Pattern[str], Kind, str, str], ...] = (
    (re.compile(r"\d{4}-W\d{2}"), "week", "-1", "%G-W%V-%u"),
    (re.compile(r"\d{4}-\d{2}"), "month", "-01", "%Y-%m-%d"),
)
"Pattern of each kind's names, the kind, and suffix and format that turn a name into its first day."


@dataclass(frozen=True, slots=True)
class Period:
    """A week or a month."""

    name: str
    "`2026-W47` or `2026-11`."
    kind: Kind
    since: datetime
    until: datetime
    "UTC, excluded."


def last_due(budgets: Budgets, *, first_call: datetime, at: datetime) -> Period | None:
    """Return the period whose digest is due; None: there is none yet, or digests are off."""
    if budgets.digest is None:
        return None
    month_by_month = first_call + FIRST_QUARTER
    kinds: tuple[Kind, ...] = ("week", "month")
    for kind in kinds:
        period = before(budgets, holding(budgets, kind, at))
        if _due(budgets, budgets.digest, period) > at:
            period = before(budgets, period)  # its digest is due until then
        in_its_time = (_due(budgets, budgets.digest, period) >= month_by_month) == (kind == "month")
        if in_its_time and period.until > first_call:
            return period
    return None


def last_over(budgets: Budgets, *, first_call: datetime | None, at: datetime) -> Period:
    """Return the last week that is over or, after the first quarter, the last month."""
    in_quarter = first_call is None or at < first_call + FIRST_QUARTER
    return before(budgets, holding(budgets, "week" if in_quarter else "month", at))


def before(budgets: Budgets, period: Period) -> Period:
    """Return the week or month before a period."""
    return holding(budgets, period.kind, period.since - timedelta(hours=1))


def holding(budgets: Budgets, kind: Kind, at: datetime) -> Period:
    """Return the week or month that contains a time."""
    since, until = budgets.bounds(kind, at)
    first = since.astimezone(budgets.zone)
    return Period(f"{first:%G-W%V}" if kind == "week" else f"{first:%Y-%m}", kind, since, until)


def read(budgets: Budgets, name: str) -> Period:
    """Return the period with a name.

    Raises:
        ConfigError: there is no such week or month; the message says what was expected.
    """
    for pattern, kind, first_day, form in _NAMES:
        if pattern.fullmatch(name):
            try:
                day = datetime.strptime(name + first_day, form).replace(hour=12, tzinfo=budgets.zone)
                period = holding(budgets, kind, day)
            except (ValueError, OverflowError):  # a 54th week, a 13th month, or a date out of range
                break
            if (
                period.name == name
            ):  # in a year without a 53rd week, its name would mean the first week of the next year
                return period
    raise ConfigError(f"expected a week such as 2026-W47 or a month such as 2026-11, found {name!r}")


def days(budgets: Budgets, since: datetime, until: datetime) -> tuple[datetime, ...]:
    """Return the start of each local day of a period and, as the last element, the end of the last day (UTC)."""
    bounds = [since]
    while bounds[-1] < until:
        bounds.append(budgets.bounds("day", bounds[-1])[1])
    return tuple(bounds)


def _due(budgets: Budgets, wanted: DigestSchedule, period: Period) -> datetime:
    after = period.until.astimezone(budgets.zone).date()
    day = after + timedelta(days=(wanted.weekday - after.weekday()) % 7)
    return datetime.combine(day, wanted.at, tzinfo=budgets.zone).astimezone(UTC)

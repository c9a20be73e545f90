"""How figures are written on the dashboard: counts, shares, seconds, ages, money. Pure.

Invariant: an unknown figure is a dash, never a zero, and no share of a few is written without what it is a share of.
"""

from datetime import UTC, date, datetime

from bot.slack import mrkdwn

UNKNOWN = "-"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun: `1 ticket`, `2 tickets`."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def share(part: float | None) -> str:
    """Return a share between 0 and 1 in percent; only none is 0 %, and only all is 100 %."""
    if part is None:
        return UNKNOWN
    whole = round(100 * part)
    if whole == 0 and part > 0:
        return "<1 %"
    return ">99 %" if whole == 100 and part < 1 else f"{whole} %"  # noqa: PLR2004 - percent


def of(part: int, whole: int) -> str:
    """Return a share in percent, or a dash if there is nothing that it could be a share of."""
    return share(part / whole if whole else None)


def seconds(value: float | None) -> str:
    """Return seconds in the unit that fits: `0.4 s`, `12 s`, `3 min`, `2.5 h`, `4 days`."""
    if value is None:
        return UNKNOWN
    if value < MINUTE:
        return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"  # noqa: PLR2004 - two digits are enough
    if value < HOUR:
        return f"{value / MINUTE:.0f} min"
    if value < 2 * DAY:
        return f"{value / HOUR:.1f}".removesuffix(".0") + " h"
    return f"{value / DAY:.0f} days"


def age(then: datetime | None, now: datetime) -> str:
    """Return how long ago something was; never in the future, as two machines' clocks differ."""
    return "never" if then is None else f"{seconds(max(0.0, (now - then).total_seconds()))} ago"


def moment(at: datetime | None) -> str:
    """Return a time in UTC to the minute."""
    return UNKNOWN if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def day(on: date) -> str:
    """Return a day as it stands below a chart: `9 Nov`."""
    return f"{on.day} {on:%b}"


def dollars(nusd: int | None) -> str:
    """Return an amount of nano-USD in US dollars."""
    return UNKNOWN if nusd is None else mrkdwn.dollars(nusd)


def listed(parts: list[str]) -> str:
    """Return parts of a sentence joined by commas and an `and`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""

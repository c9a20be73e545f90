"""Working hours: some hours of some weekdays, by the wall clock of a time zone.

Hours whose end is before their beginning go past midnight: `from: "21:00", until: "02:00"` on Fridays ends on Saturdays
at two. Invariant: a working period begins and ends at the first moment at which the wall clock shows its time or a
later one. So periods never overlap, and a day on which the clock changes is as long as it really is.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from bot.policy.rules import CardPart

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEK: tuple[Day, ...] = get_args(Day)
CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")
DAY_MINUTES = 24 * 60


def _minute(value: object) -> int:
    if not isinstance(value, str) or not CLOCK.fullmatch(value):
        raise ValueError(f'expected a time from "00:00" to "24:00", in quotes, found {value!r}')
    return int(value[:2]) * 60 + int(value[3:])


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError is zoneinfo's "not found"
        raise ValueError(f"expected a time zone such as Europe/Berlin, found {name!r}") from None
    return name


Minute = Annotated[int, BeforeValidator(_minute)]
"HH:MM in the file, minutes after midnight in code."
ZoneName = Annotated[str, AfterValidator(_known)]
"A name in the IANA time zone database."


class Hours(CardPart):
    """When people work."""

    days: tuple[Day, ...] = Field(min_length=1)
    "The days on which a working period begins."
    start: Minute = Field(alias="from")
    until: Minute
    "24:00 is the end of the day; a time before `from` is on the next day."

    @field_validator("start")
    @classmethod
    def _of_the_day(cls, start: int) -> int:
        if start == DAY_MINUTES:
            raise ValueError('expected a time before "24:00", which is "00:00" of the next day')
        return start

    @field_validator("until")
    @classmethod
    def _not_start(cls, until: int, fields: ValidationInfo) -> int:
        if until == fields.data.get("start"):
            raise ValueError('expected a time other than `from`; a whole day is from "00:00" until "24:00"')
        return until

    def is_open(self, at: datetime, zone: ZoneInfo) -> bool:
        """Return whether people are working."""
        return self.opens_at(at, zone) == at

    def opens_at(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return when people are working next: `at` itself while they are."""
        return self.after(at, 0, zone)

    def after(self, since: datetime, minutes: float, zone: ZoneInfo) -> datetime:
        """Return the moment (UTC) at which this many working minutes have passed.

        The moment is within working hours: what would be due exactly when people stop is due when they start again.
        Takes time in proportion to the days between.
        """
        left = timedelta(minutes=minutes)
        for begin, end in self._periods(since, zone):
            if end - begin > left:
                return begin + left
            left -= end - begin
        raise AssertionError("weeks do not end")

    def leaving(self, since: datetime, minutes: float, zone: ZoneInfo) -> datetime | None:
        """Return when people stop work before this many minutes have passed; None if they work on, or are away."""
        at = since = since.astimezone(UTC)
        for begin, end in self._periods(since, zone):
            if begin != at:
                return at if at > since else None
            if end - since > timedelta(minutes=minutes):
                return None
            at = end
        raise AssertionError("weeks do not end")

    def _periods(self, since: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Yield begin and end (excluded) of each working period from a moment on, without end."""
        # The period that began yesterday may still go on.
        since, day = since.astimezone(UTC), since.astimezone(zone).date() - timedelta(days=1)
        until = self.until if self.until > self.start else self.until + DAY_MINUTES
        while True:
            if WEEK[day.weekday()] in self.days:
                begin, end = (_first(day, minute, zone) for minute in (self.start, until))
                if max(begin, since) < end:
                    yield max(begin, since), end
            day += timedelta(days=1)


def _first(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the first moment at which the wall clock shows a time of a day, or a later one."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # The clock skips this time. Its two readings (PEP 495) lie on either side of the jump.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    seconds, offset = range(int((at - before).total_seconds())), at.astimezone(zone).utcoffset()
    jump = bisect_left(
        seconds, True, key=lambda second: (before + timedelta(seconds=second)).astimezone(zone).utcoffset() == offset
    )
    return before + timedelta(seconds=jump)

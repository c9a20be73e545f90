"""Working hours: some hours of some weekdays, as the wall clock of a place shows them.

Hours that end before they begin go over midnight: `from: "21:00", until: "02:00"` on Fridays ends on Saturdays at two.
Invariant: a stretch of work begins and ends at the first moment at which that clock shows its time or a
later one. So stretches never overlap, and a day on which the clock jumps is as long as it really is.
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
"HH:MM in the file, minutes after midnight here."
ZoneName = Annotated[str, AfterValidator(_known)]
"A name of the IANA database."


class Hours(CardPart):
    """When people are there."""

    days: tuple[Day, ...] = Field(min_length=1)
    "Those on which a stretch of work begins."
    start: Minute = Field(alias="from")
    until: Minute
    "24:00 is the end of the day; a time before `from` is one of the next day."

    @field_validator("start")
    @classmethod
    def _of_the_day(cls, start: int) -> int:
        if start == DAY_MINUTES:
            raise ValueError('expected a time before "24:00", which is "00:00" of the next day')
        return start

    @field_validator("until")
    @classmethod
    def _another(cls, until: int, fields: ValidationInfo) -> int:
        if until == fields.data.get("start"):
            raise ValueError('expected another time than `from`; a whole day is from "00:00" until "24:00"')
        return until

    def is_open(self, at: datetime, zone: ZoneInfo) -> bool:
        """Say if people are there."""
        return self.opens_at(at, zone) == at

    def opens_at(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the first moment from this one on at which people are there: itself while they are."""
        return self.after(at, 0, zone)

    def after(self, since: datetime, minutes: float, zone: ZoneInfo) -> datetime:
        """Return the moment (UTC) before which so many working minutes have passed.

        People are there at it: what is due exactly when they leave is due when they are back. Takes time
        in proportion to the days between.
        """
        left = timedelta(minutes=minutes)
        for begin, end in self._stretches(since, zone):
            if end - begin > left:
                return begin + left
            left -= end - begin
        raise AssertionError("weeks do not end")

    def leaving(self, since: datetime, minutes: float, zone: ZoneInfo) -> datetime | None:
        """Return when people leave before so many minutes have passed; None when they stay, or are not there."""
        at = since = since.astimezone(UTC)
        for begin, end in self._stretches(since, zone):
            if begin != at:
                return at if at > since else None
            if end - since > timedelta(minutes=minutes):
                return None
            at = end
        raise AssertionError("weeks do not end")

    def _stretches(self, since: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Yield begin and end (excluded) of each stretch of work from a moment on, for ever."""
        # What began yesterday may still go on.
        since, day = since.astimezone(UTC), since.astimezone(zone).date() - timedelta(days=1)
        until = self.until if self.until > self.start else self.until + DAY_MINUTES
        while True:
            if WEEK[day.weekday()] in self.days:
                begin, end = (_first(day, minute, zone) for minute in (self.start, until))
                if max(begin, since) < end:
                    yield max(begin, since), end
            day += timedelta(days=1)


def _first(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the first moment at which the clock shows a time of a day, or a later one."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # The clock jumps over it. The two readings of such a time (PEP 495) lie on either side of the jump.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    seconds, offset = range(int((at - before).total_seconds())), at.astimezone(zone).utcoffset()
    jump = bisect_left(
        seconds, True, key=lambda second: (before + timedelta(seconds=second)).astimezone(zone).utcoffset() == offset
    )
    return before + timedelta(seconds=jump)

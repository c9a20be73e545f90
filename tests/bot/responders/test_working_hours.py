"""Working hours on a wall clock: `bot.responders.working_hours`."""

from bisect import bisect_left
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.responders.working_hours import WEEK, Hours

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
OFFICE = ("mon", "tue", "wed", "thu", "fri")
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",  # by half an hour
        "America/Havana",  # at midnight, and back at one
        "America/St_Johns",  # at a minute past midnight until 2011: back into the day before
        "Asia/Beirut",  # at midnight, and back at midnight
        "Antarctica/Troll",  # by two hours
        "Africa/Casablanca",  # back and forth around Ramadan
        "Pacific/Apia",  # without the 30 December 2011
    )
]
BACK = timedelta(hours=3)
"A clock is never put back by more, in these zones since 2000."
MINUTE = timedelta(minutes=1)


def hours(*days: str, start: str = "08:00", until: str = "18:00") -> Hours:
    """Return working hours as a card gives them."""
    return Hours.model_validate({"days": days, "from": start, "until": until})


def utc(text: str) -> datetime:
    """Return a moment that was written with its offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


def wall(at: datetime, zone: ZoneInfo) -> datetime:
    """Return what the wall clock shows."""
    return at.astimezone(zone).replace(tzinfo=None)


def offset(at: datetime, zone: ZoneInfo) -> timedelta:
    """Return by how much the wall clock is ahead."""
    return wall(at, zone) - at.replace(tzinfo=None)


def latest(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the latest time (to the minute) that the wall clock has shown by now: it was put back a while ago."""
    if offset(at - BACK, zone) == offset(at, zone):
        return wall(at, zone)
    return max(wall(at - minute * MINUTE, zone) for minute in range(BACK // MINUTE))


def on_the_wall(value: Hours, at: datetime, zone: ZoneInfo) -> bool:
    """Return whether people are there, by nothing but a wall clock that is stopped rather than put back."""
    shown = latest(at, zone)
    for day in (shown.date(), shown.date() - timedelta(days=1)):
        begin, end = (datetime.combine(day, time()) + minute * MINUTE for minute in (value.start, value.until))
        if WEEK[day.weekday()] in value.days and begin <= shown < (end if begin < end else end + timedelta(days=1)):
            return True
    return False


def clock(minute: int) -> str:
    """Return a time of the day."""
    return f"{minute // 60:02}:{minute % 60:02}"


@cache
def jumps(zone: ZoneInfo) -> list[datetime]:
    """Return the moments from 2000 to 2030 at which the clock of a place jumps."""
    found = []
    for week in range(30 * 52):
        at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(weeks=week)
        if offset(at, zone) != offset(at + timedelta(weeks=1), zone):
            minutes = range(7 * 24 * 60)
            jump = bisect_left(minutes, True, key=lambda minute: offset(at + minute * MINUTE, zone) != offset(at, zone))
            found.append(at + jump * MINUTE)
    return found


@st.composite
def weeks(draw: st.DrawFn) -> Hours:
    """Draw hours: at any time of the day, often where clocks are changed, and over midnight about as often as not."""
    early, late = st.integers(0, 240), st.integers(1380, 1439)
    start = draw(st.one_of(st.integers(0, 1439), early, late))
    until = draw(st.one_of(st.integers(0, 1440), early, late).filter(lambda minute: minute != start))
    days = draw(st.sets(st.sampled_from(WEEK), min_size=1))
    return hours(*sorted(days), start=clock(start), until=clock(until))


@st.composite
def places(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """Draw a place and a moment, as often as not within a day of one at which its clock jumps."""
    zone = draw(st.sampled_from(ZONES))
    moments = st.integers(0, 130 * 365 * 24 * 60).map(lambda minute: datetime(2000, 1, 1, tzinfo=UTC) + minute * MINUTE)
    if jumps(zone):
        about = st.integers(-1600, 1600)
        moments |= st.builds(lambda jump, minute: jump + minute * MINUTE, st.sampled_from(jumps(zone)), about)
    return zone, draw(moments)


spans = st.integers(0, 900)


@given(weeks(), places(), spans)
@settings(max_examples=20, deadline=None)
def test_counting_back_gives_the_minutes(value: Hours, where: tuple[ZoneInfo, datetime], minutes: int) -> None:
    """Between a moment and the one so many working minutes after it, the wall clock shows as many."""
    zone, since = where
    after, counted, at = value.after(since, minutes, zone), 0, since
    assume(after - since < timedelta(days=40))
    while at < after:
        counted += on_the_wall(value, at, zone)
        at += timedelta(minutes=1)
    assert counted == minutes
    assert on_the_wall(value, after, zone)


@given(weeks(), places(), spans, spans)
def test_minutes_add_up(value: Hours, where: tuple[ZoneInfo, datetime], some: int, more: int) -> None:
    """Waiting twice is waiting for the sum, and waiting for nothing is waiting until people are there."""
    zone, since = where
    assert value.after(value.after(since, some, zone), more, zone) == value.after(since, some + more, zone)
    assert value.after(since, 0, zone) == value.opens_at(since, zone)


@given(weeks(), places(), st.integers(0, 20_000), spans)
def test_later_is_never_sooner(value: Hours, where: tuple[ZoneInfo, datetime], later: int, minutes: int) -> None:
    """Who begins to wait later, or waits longer, is not served sooner; nobody is served before they wait."""
    zone, since = where
    after = value.after(since, minutes, zone)
    assert since + timedelta(minutes=minutes) <= after
    assert after <= value.after(since + timedelta(minutes=later), minutes, zone)
    assert after < value.after(since, minutes + 1, zone)


@given(weeks(), places())
def test_open_is_what_the_wall_clock_says(value: Hours, where: tuple[ZoneInfo, datetime]) -> None:
    """People are there in their hours, and what opens next is the first such moment."""
    zone, at = where
    assert value.is_open(at, zone) == on_the_wall(value, at, zone)
    opens = value.opens_at(at, zone)
    assert on_the_wall(value, opens, zone)
    assert opens == at or not on_the_wall(value, opens - timedelta(minutes=1), zone)


@pytest.mark.parametrize(
    ("zone", "since", "minutes", "expected"),
    [
        (BERLIN, "2026-03-27T17:50+01:00", 15, "2026-03-30T08:05+02:00"),
        (BERLIN, "2026-10-23T17:50+02:00", 15, "2026-10-26T08:05+01:00"),
        (NEW_YORK, "2026-03-06T17:50-05:00", 15, "2026-03-09T08:05-04:00"),
        (NEW_YORK, "2026-10-30T17:50-04:00", 15, "2026-11-02T08:05-05:00"),
        (BERLIN, "2026-11-25T09:00+01:00", 600, "2026-11-26T09:00+01:00"),
        (BERLIN, "2026-11-25T17:50+01:00", 10, "2026-11-26T08:00+01:00"),
        (BERLIN, "2026-11-25T23:59+01:00", 0, "2026-11-26T08:00+01:00"),
        (BERLIN, "2026-11-25T17:59:30+01:00", 0.25, "2026-11-25T17:59:45+01:00"),
        (BERLIN, "2400-07-03T12:00+02:00", 361, "2400-07-04T08:01+02:00"),
    ],
)
def test_office_hours(zone: ZoneInfo, since: str, minutes: float, expected: str) -> None:
    """Nights and weekends do not count, whatever the clock does on them; what is due at closing is due at opening."""
    assert hours(*OFFICE).after(utc(since), minutes, zone) == utc(expected)


@pytest.mark.parametrize(
    ("zone", "since", "minutes", "expected"),
    [
        # 02:00 becomes 03:00: the day until 06:00 has five hours.
        (BERLIN, "2026-03-29T00:00+01:00", 180, "2026-03-29T04:00+02:00"),
        (BERLIN, "2026-03-29T00:00+01:00", 300, "2026-04-05T00:00+02:00"),
        (NEW_YORK, "2026-03-08T00:00-05:00", 180, "2026-03-08T04:00-04:00"),
        (NEW_YORK, "2026-03-08T00:00-05:00", 300, "2026-03-15T00:00-04:00"),
        # 03:00 becomes 02:00 (New York: 02:00 becomes 01:00): it has seven.
        (BERLIN, "2026-10-25T00:00+02:00", 180, "2026-10-25T02:00+01:00"),
        (BERLIN, "2026-10-25T00:00+02:00", 419, "2026-10-25T05:59+01:00"),
        (NEW_YORK, "2026-11-01T00:00-04:00", 180, "2026-11-01T02:00-05:00"),
        (NEW_YORK, "2026-11-01T00:00-04:00", 419, "2026-11-01T05:59-05:00"),
    ],
)
def test_nights_on_which_the_clock_is_changed(zone: ZoneInfo, since: str, minutes: float, expected: str) -> None:
    """An hour that is left out does not count, one that comes twice counts twice."""
    assert hours("sun", start="00:00", until="06:00").after(utc(since), minutes, zone) == utc(expected)


@pytest.mark.parametrize(
    ("start", "until", "opens", "closes"),
    [
        ("02:30", "06:00", "2026-03-29T03:00+02:00", "2026-03-29T06:00+02:00"),
        ("01:00", "02:30", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        ("02:10", "02:50", "2026-04-05T02:10+02:00", "2026-04-05T02:50+02:00"),
    ],
)
def test_a_time_that_a_spring_night_leaves_out(start: str, until: str, opens: str, closes: str) -> None:
    """It is the moment of the jump; hours that fall into it altogether are not there that week."""
    value = hours("sun", start=start, until=until)
    assert value.opens_at(utc("2026-03-29T00:00+01:00"), BERLIN) == utc(opens)
    assert value.is_open(utc(closes) - timedelta(seconds=1), BERLIN)
    assert not value.is_open(utc(closes), BERLIN)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-27T20:59+01:00", None),
        ("2026-11-27T21:00+01:00", "2026-11-28T02:00+01:00"),
        ("2026-11-28T01:59+01:00", "2026-11-28T02:00+01:00"),
        ("2026-11-28T02:00+01:00", None),
        ("2026-11-27T01:00+01:00", None),  # the night of Thursday, which is none of their days
        ("2026-03-28T22:00+01:00", "2026-03-29T03:00+02:00"),  # two o'clock is left out
        ("2026-10-24T22:00+02:00", "2026-10-25T02:00+02:00"),  # the first of two
        ("2026-10-25T02:00+01:00", None),
    ],
)
def test_a_shift_over_midnight(at: str, until: str | None) -> None:
    """It belongs to the day on which it begins, and ends at its time of the next, whatever the clock does there."""
    value = hours("fri", "sat", start="21:00", until="02:00")
    assert value.is_open(utc(at), BERLIN) is (until is not None)
    assert value.leaving(utc(at), 24 * 60, BERLIN) == (until and utc(until))


def test_the_minutes_of_a_shift_over_midnight() -> None:
    """What is left when it ends goes on with the next one."""
    value = hours("fri", start="21:00", until="02:00")
    assert value.after(utc("2026-11-27T23:30+01:00"), 200, BERLIN) == utc("2026-12-04T21:50+01:00")


def test_a_shift_that_ends_at_midnight_may_say_so_either_way() -> None:
    """The end of one day is the beginning of the next."""
    late, at = utc("2026-11-27T23:59+01:00"), utc("2026-11-28T00:00+01:00")
    for until in ("24:00", "00:00"):
        value = hours("fri", start="21:00", until=until)
        assert value.is_open(late, BERLIN)
        assert not value.is_open(at, BERLIN)


def test_a_time_that_an_autumn_night_shows_twice() -> None:
    """It is the first of the two."""
    value = hours("sun", start="02:30", until="04:00")
    assert value.opens_at(utc("2026-10-25T00:00+02:00"), BERLIN) == utc("2026-10-25T02:30+02:00")
    assert value.after(utc("2026-10-25T02:30+02:00"), 149, BERLIN) == utc("2026-10-25T03:59+01:00")


@pytest.mark.parametrize(
    ("since", "minutes", "leaving"),
    [
        ("2026-11-20T17:50+01:00", 15, "2026-11-20T18:00+01:00"),
        ("2026-11-20T17:50+01:00", 10, "2026-11-20T18:00+01:00"),
        ("2026-11-20T17:50+01:00", 9.9, None),
        ("2026-11-20T18:00+01:00", 15, None),
        ("2026-11-21T12:00+01:00", 10_000, None),
    ],
)
def test_when_people_leave(since: str, minutes: float, leaving: str | None) -> None:
    """It is said only where they are there now and leave before the minutes are over."""
    assert hours(*OFFICE).leaving(utc(since), minutes, BERLIN) == (leaving and utc(leaving))


@given(weeks(), places(), spans)
def test_people_leave_where_minutes_are_lost(value: Hours, where: tuple[ZoneInfo, datetime], minutes: int) -> None:
    """Either they stay, or are away already, or they are there right before they leave and not right after."""
    zone, since = where
    leaving, moment = value.leaving(since, minutes, zone), timedelta(microseconds=1)
    if leaving is None:
        stay = value.after(since, minutes, zone) == since + timedelta(minutes=minutes)
        assert stay or not value.is_open(since, zone)
    else:
        assert since < leaving <= since + timedelta(minutes=minutes)
        assert value.is_open(leaving - moment, zone)
        assert not value.is_open(leaving, zone)


def test_round_the_clock() -> None:
    """A day that ends at 24:00 goes over into the next without a gap."""
    value = hours(*WEEK, start="00:00", until="24:00")
    since = utc("2026-03-28T23:30+01:00")
    assert value.is_open(since, BERLIN)
    assert value.after(since, 5_000, BERLIN) == since + timedelta(minutes=5_000)
    assert value.leaving(since, 5_000, BERLIN) is None


def test_a_minute_a_week_for_ten_years() -> None:
    """However rare the hours are, the moment is found."""
    value = hours("mon", start="09:00", until="09:01")
    assert value.after(utc("2026-11-23T09:00+00:00"), 520, ZONES[0]) == utc("2036-11-10T09:00+00:00")

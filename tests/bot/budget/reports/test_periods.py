"""Weeks and months of digests, and when each is due: `bot.budget.reports.periods`."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from bot.budget.caps import Budgets
from bot.budget.reports import periods
from bot.errors import ConfigError

FIRST = datetime(2026, 8, 26, 15, tzinfo=UTC)
"A Wednesday; its first quarter ends on Wednesday, 25 November."


def budgets(zone: str = "Europe/Berlin", **more: Any) -> Budgets:
    """Return budgets without caps."""
    return Budgets.model_validate({"time_zone": zone, **more})


def at(text: str) -> datetime:
    """Return a moment of Berlin's winter, as its clocks show it."""
    return datetime.fromisoformat(f"{text}+01:00")


def due(text: str, *, first: datetime = FIRST, **more: Any) -> str | None:
    """Return the period that is due at a moment of Berlin."""
    found = periods.last_due(budgets(**more), first_call=first, at=at(text))
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        ("2026-11-16 09:00", "2026-W46"),  # Monday
        ("2026-11-22 23:59", "2026-W46"),
        ("2026-11-23 08:59", "2026-W46"),
        ("2026-11-23 09:00", "2026-W47"),
        ("2026-11-30 08:59", "2026-W47"),
        ("2026-11-30 09:00", None),  # the quarter is over: months from here on, and November's is due a week later
        ("2026-12-07 08:59", None),
        ("2026-12-07 09:00", "2026-11"),
        ("2027-01-04 08:59", "2026-11"),
        ("2027-01-04 09:00", "2026-12"),
    ],
)
def test_a_digest_is_due_until_the_next_one_is(moment: str, name: str | None) -> None:
    """A week's on Monday at nine, after the first quarter a month's on its first Monday; what was missed stays due."""
    assert due(moment) == name


def test_the_day_and_the_time_are_those_of_the_file() -> None:
    """Friday at half past four; with `false` nobody is sent any."""
    friday = {"day": "friday", "at": "16:30"}
    assert due("2026-11-20 16:29", digest=friday) == "2026-W45"
    assert due("2026-11-20 16:30", digest=friday) == "2026-W46"
    assert due("2026-11-20 16:30", digest=False) is None


def test_there_is_none_of_a_time_before_the_first_call() -> None:
    """The first digest is of the week of the first call."""
    first = at("2026-11-16 00:00")
    assert due("2026-11-16 09:00", first=first) is None
    assert due("2026-11-23 09:00", first=first) == "2026-W47"


def test_the_first_month_is_one_whose_day_comes_after_the_quarter() -> None:
    """Between the last week and the first month nobody is sent what they have had."""
    assert due("2026-12-02 09:00") is None
    first = at("2026-09-07 09:00")  # the quarter ends as the digest of the week is due
    assert due("2026-12-07 09:00", first=first) == "2026-11"
    assert due("2026-12-07 09:00", first=first + timedelta(seconds=1)) == "2026-W49"


def test_without_a_name_it_is_the_last_that_is_over() -> None:
    """A week in the first quarter, and before any call; then a month."""

    def last(first: datetime | None, moment: str) -> str:
        return periods.last_over(budgets(), first_call=first, at=at(moment)).name

    assert last(None, "2026-11-22 12:00") == "2026-W46"
    assert last(FIRST, "2026-11-23 00:00") == "2026-W47"
    assert last(FIRST, "2026-11-30 12:00") == "2026-10"


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("2026-W44", "2026-10-25T23:00", "2026-11-01T23:00"),
        ("2026-W43", "2026-10-18T22:00", "2026-10-25T23:00"),  # one hour longer
        ("2026-W53", "2026-12-27T23:00", "2027-01-03T23:00"),
        ("2026-03", "2026-02-28T23:00", "2026-03-31T22:00"),  # one hour shorter
    ],
)
def test_a_period_is_read_by_its_name(name: str, since: str, until: str) -> None:
    """Weeks and months begin at local midnight, whatever the clocks do in them."""
    period = periods.read(budgets(), name)
    assert period.name == name
    assert (f"{period.since:%Y-%m-%dT%H:%M}", f"{period.until:%Y-%m-%dT%H:%M}") == (since, until)


@pytest.mark.parametrize(
    "name", ["2026-W54", "2027-W53", "2026-13", "2026-00", "W47", "2026-W7", "9999-12", "soon", ""]
)
def test_a_wrong_name_is_refused_with_examples(name: str) -> None:
    """Also a week that its year does not have."""
    with pytest.raises(ConfigError, match=r"expected a week such as 2026-W47 or a month such as 2026-11, found"):
        periods.read(budgets(), name)


def test_days_stand_between_midnights() -> None:
    """A week with a change of clocks has seven days, one of 25 hours."""
    week = periods.read(budgets(), "2026-W43")
    days = periods.days(budgets(), week.since, week.until)
    lengths = [(end - start) / timedelta(hours=1) for start, end in pairwise(days)]
    assert lengths == [24, 24, 24, 24, 24, 24, 25]
    assert periods.before(budgets(), week).name == "2026-W42"

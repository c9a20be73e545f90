"""What an answer about cost holds: budgets in force, where it leads, what is usual, and only what may be seen."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.budget.caps import Budgets
from bot.budget.reports import forecast, statement
from bot.budget.reports.forecast import UsualWindow
from bot.budget.reports.statement import OTHERS, Question, Statement
from bot.cost_dimensions import Window
from bot.store.db import Database
from bot.store.money.spending import BudgetHolder
from bot.store.schema import BudgetReview, LedgerRow

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
NOON = SUNDAY + timedelta(hours=12)
DAY = timedelta(days=1)
USD = 10**9
BUDGETS = Budgets.model_validate(
    {
        "time_zone": "UTC",
        "channel": {"default": {"window": "day", "hard": "5.00"}},
        "agent": {"named": {"access": {"window": "month", "hard": "100.00"}}},
    }
)
numbers = count()


def spend(
    database: Database,
    cost: int,
    at: datetime,
    *,
    channel: str = "C0HELP",
    user: str = "U0MAYA",
    purpose: str = "turn",
) -> None:
    """Let a call have cost something."""
    fields = {"team": "T1", "agent": "access", "release": "access@1", "step": 0, "model": "m", "price_version": "1"}
    where = {"channel": channel, "user": user, "purpose": purpose, "at": at, "lease_until": at}
    with database.write() as session:
        session.add(
            LedgerRow(
                rid=str(next(numbers)),
                state="settled",
                accounts=[],
                reserved_nusd=cost,
                cost_nusd=cost,
                **fields,
                **where,
            )
        )


def ask(
    database: Database,
    window: Window = "day",
    *,
    at: datetime = NOON,
    now: datetime | None = None,
    seen: tuple[BudgetHolder, ...] | None = None,
    shown: tuple[BudgetHolder, ...] = (),
    budgets: Budgets = BUDGETS,
    **only: str,
) -> Statement:
    """Draw up a statement of a window."""
    with database.read() as session:
        return statement.draw_up(session, budgets, Question(window, "user", at, seen, shown, **only), now=now or at)


def review(
    database: Database, state: str, *, holder: str = "C0HELP", raised: int = 0, start: datetime = SUNDAY
) -> None:
    """Put a review of a channel's day in the books."""
    number = next(numbers)
    amounts: dict[str, Any] = {"limit_nusd": number, "spent_nusd": 0, "held_nusd": 0, "needed_nusd": 0}
    whose = {"scope": "channel", "holder": holder, "agent": "access", "channel": holder, "user": "U0MAYA"}
    window = {"window_start": start, "resets_at": start + DAY}
    with database.write() as session:
        session.add(
            BudgetReview(account=f"{holder} {number}", state=state, raised_nusd=raised, **amounts, **whose, **window)
        )


def test_without_a_past_the_pace_is_all_there_is(database: Database) -> None:
    """Half a day, half the spending; nothing to compare with; and no pace before a tenth of the day is over."""
    spend(database, 100, SUNDAY)
    found = ask(database)
    assert (found.summary.cost_nusd, found.usual, found.deviation, found.forecast_nusd) == (100, None, None, 200)
    assert ask(database, at=SUNDAY + timedelta(hours=2)).forecast_nusd is None
    assert ask(database, at=SUNDAY + timedelta(hours=3)).forecast_nusd == 800


def test_a_sunday_is_compared_with_sundays(database: Database) -> None:
    """The same part of the four before; what they cost afterwards is still to come today."""
    for week in range(1, 6):
        spend(database, 10, SUNDAY - week * 7 * DAY + timedelta(hours=11))
        spend(database, 30, SUNDAY - week * 7 * DAY + timedelta(hours=13))
        spend(database, 9_000, SUNDAY - week * 7 * DAY + timedelta(days=2))
    spend(database, 20, SUNDAY + timedelta(hours=1))
    found = ask(database)
    assert found.usual == UsualWindow(windows=4, so_far_nusd=10, rest_nusd=30)
    assert (found.deviation, found.forecast_nusd) == (1.0, 50)


def test_only_windows_that_the_ledger_holds_whole_are_compared_with(database: Database) -> None:
    """A ledger that began in the middle of a day says nothing of that day."""
    for days, cost in ((14, 40), (7, 20), (21, 900)):
        spend(database, cost, SUNDAY - days * DAY + timedelta(hours=10))
    assert ask(database).usual == UsualWindow(windows=2, so_far_nusd=30, rest_nusd=0)


def test_a_nothing_before_is_no_percentage(database: Database) -> None:
    """A channel that spent nothing in those weeks has a past, and no deviation from it."""
    spend(database, 5, SUNDAY - 30 * DAY, channel="C0OPS")
    spend(database, 20, SUNDAY)
    found = ask(database, seen=(("channel", "C0HELP"),))
    assert (found.usual, found.deviation) == (UsualWindow(4, 0, 0), None)


@pytest.mark.parametrize("past", [True, False])
def test_nothing_is_forecast_before_a_tenth_of_the_window(database: Database, past: bool) -> None:  # noqa: FBT001
    """Of a day none at two o'clock, of a week none on its first morning, however long the ledger is; then one."""
    spend(database, 100, SUNDAY - (70 * DAY if past else 0 * DAY))
    spend(database, 10, SUNDAY)
    assert ask(database, at=SUNDAY + timedelta(hours=2)).forecast_nusd is None
    assert ask(database, at=SUNDAY + timedelta(hours=3)).forecast_nusd is not None
    assert ask(database, "week", at=SUNDAY + timedelta(days=1, hours=3)).forecast_nusd is None


def test_a_ledger_of_minutes_forecasts_nothing(database: Database) -> None:
    """At noon half the day is over; of what the ledger knows it is a minute."""
    spend(database, 100, NOON - timedelta(minutes=1))
    assert ask(database).forecast_nusd is None


def test_forecasts_to_one_midnight_agree(database: Database) -> None:
    """What a day is still expected to cost, the week and the month that end with it are, too."""
    sunday = datetime(2027, 1, 31, 12, tzinfo=UTC)
    for days in range(40):
        spend(database, 100 + days, sunday - days * DAY)
        spend(database, 7, sunday - days * DAY + timedelta(hours=3))
    still = [
        found.forecast_nusd - found.summary.cost_nusd
        for found in (ask(database, window, at=sunday + timedelta(hours=1)) for window in ("day", "week", "month"))
        if found.forecast_nusd is not None
    ]
    assert still == [7, 7, 7]


def test_nothing_is_forecast_from_evaluations(database: Database) -> None:
    """They are in the sum and in no pace, neither of the report nor of a budget."""
    spend(database, 100, SUNDAY)
    spend(database, 4 * USD, SUNDAY + timedelta(hours=1), purpose="eval")
    found = ask(database, shown=(("channel", "C0HELP"), ("agent", "access")))
    assert (found.summary.evaluations_nusd, found.forecast_nusd) == (4 * USD, 4 * USD + 200)
    assert [(line.key, line.cost_nusd) for line in found.lines] == [("U0MAYA", 100), ("eval", 4 * USD)]
    assert found.spenders == (("U0MAYA", 100),)
    assert {one.full_at for one in found.accounts} == {None}


def test_a_window_that_is_over_is_compared_as_a_whole(database: Database) -> None:
    """Of last Sunday nothing is still to come, and the Sunday before counts to its end."""
    spend(database, 50, SUNDAY - 14 * DAY)
    spend(database, 75, SUNDAY - 7 * DAY + timedelta(hours=23))
    found = ask(database, at=NOON - 7 * DAY, now=NOON)
    assert (found.since, found.until, found.over) == (SUNDAY - 7 * DAY, SUNDAY - 6 * DAY, True)
    assert (found.usual, found.deviation, found.forecast_nusd) == (UsualWindow(1, 50, 0), 0.5, None)


def test_months_are_compared_as_far_as_they_go(database: Database) -> None:
    """On the 30th of a month, all of February counts as the same part, and nothing of it is left."""
    for month in (1, 2):
        spend(database, 28, datetime(2026, month, 1, tzinfo=UTC))
        spend(database, 10, datetime(2026, month, 28, 23, tzinfo=UTC))
    spend(database, 7, datetime(2026, 1, 31, 1, tzinfo=UTC))
    found = ask(database, "month", at=datetime(2026, 3, 30, 12, tzinfo=UTC))
    assert found.usual == UsualWindow(windows=2, so_far_nusd=38, rest_nusd=3)


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 10, 25, 12, tzinfo=ZoneInfo("Europe/Berlin")), 25),
        (datetime(2026, 3, 29, 12, tzinfo=ZoneInfo("Europe/Berlin")), 23),
        (datetime(2026, 11, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")), 24),
    ],
)
def test_a_day_of_23_or_25_hours_is_compared_with_the_same_weekday(
    database: Database, now: datetime, hours: int
) -> None:
    """Each of the days before begins at its own local midnight, whatever the clocks did in between."""
    budgets = Budgets.model_validate({"time_zone": "Europe/Berlin"})
    spend(database, 1, now - 40 * DAY)
    for week in range(1, 5):
        day = now.date() - week * 7 * DAY
        midnight = datetime(day.year, day.month, day.day, tzinfo=now.tzinfo).astimezone(UTC)
        spend(database, 10, midnight)
        spend(database, 1_000, midnight - timedelta(seconds=1))
    found = ask(database, at=now.astimezone(UTC), budgets=budgets)
    assert (found.until - found.since) / timedelta(hours=1) == hours
    assert found.usual == UsualWindow(windows=4, so_far_nusd=10, rest_nusd=0)


def test_the_cap_in_force_is_the_one_with_its_raises(database: Database) -> None:
    """What its owner added counts today, an open review is told, and when it will be full is worked out from it."""
    spend(database, 6 * USD, SUNDAY)
    review(database, "raised", raised=2 * USD)
    review(database, "raised", raised=50 * USD, start=SUNDAY - DAY)
    review(database, "open")
    [account] = ask(database, seen=(("channel", "C0HELP"),), shown=(("channel", "C0HELP"),)).accounts
    assert (account.limit_nusd, account.raised_nusd, account.spent_nusd) == (7 * USD, 2 * USD, 6 * USD)
    assert (account.window, account.waiting, account.denied) == ("day", True, False)
    assert account.forecast_nusd == 12 * USD
    assert account.full_at == NOON + timedelta(hours=2)  # six more in twelve hours, one is left
    assert account.share == pytest.approx(6 / 7)


def test_a_full_budget_has_no_time_at_which_it_will_be(database: Database) -> None:
    """It is; and a denied review is told."""
    spend(database, 6 * USD, SUNDAY)
    review(database, "denied")
    [account] = ask(database, seen=(("channel", "C0HELP"),), shown=(("channel", "C0HELP"),)).accounts
    assert (account.full_at, account.denied, account.share) == (None, True, 1.2)


def test_a_budget_of_nothing_is_full(database: Database) -> None:
    """A limit of zero divides nothing."""
    none = Budgets.model_validate({"time_zone": "UTC", "user": {"default": {"window": "week", "hard": 0}}})
    [account] = ask(database, budgets=none, shown=(("user", "U0MAYA"),), user="U0MAYA").accounts
    assert (account.limit_nusd, account.share, account.window) == (0, 1.0, "week")


def test_who_sees_everything_sees_the_fullest_budgets(database: Database) -> None:
    """Their own first, then five others by how full they are, a raised one by its limit in force."""
    for number in range(9):
        spend(database, (number + 1) * USD // 10, SUNDAY, channel=f"C0{number}00")
    review(database, "raised", holder="C0800", raised=20 * USD)
    found = ask(database, shown=(("channel", "C0000"), ("team", "T1")))
    assert [one.cap.holder for one in found.accounts] == ["C0000", "C0700", "C0600", "C0500", "C0400", "C0300"]
    assert [one.cap.holder for one in ask(database, agent="access", shown=(("agent", "access"),)).accounts] == [
        "access"
    ]


def test_a_budget_by_name_is_there_without_spending(database: Database) -> None:
    """The agent's own is told in its own window, the month."""
    [account] = ask(database).accounts
    assert (account.cap.holder, account.window, account.spent_nusd) == ("access", "month", 0)


def test_of_a_past_window_only_budgets_of_that_length_are_told(database: Database) -> None:
    """A month's report says nothing of the budget of some day in it."""
    spend(database, USD, SUNDAY - 40 * DAY)
    past = ask(database, "month", at=SUNDAY - 40 * DAY, now=NOON, shown=(("channel", "C0HELP"),))
    assert [(one.cap.key, one.spent_nusd, one.forecast_nusd) for one in past.accounts] == [
        ("agent:access:2026-10", USD, None)
    ]


def test_nothing_of_others_is_in_what_one_may_see(database: Database) -> None:
    """Sums, lines, top spenders, past and budgets are of the reader's channel alone."""
    for days in (0, 7, 14, 40):
        spend(database, 10, SUNDAY - days * DAY)
        spend(database, 7_000, SUNDAY - days * DAY, channel="C0BOSS", user="U0BOSS")
    found = ask(database, seen=(("channel", "C0HELP"),), shown=(("channel", "C0HELP"), ("user", "U0MAYA")))
    assert (found.summary.cost_nusd, found.usual) == (10, UsualWindow(4, 5, 0))
    assert [line.key for line in found.lines] == ["U0MAYA"]
    assert found.spenders == (("U0MAYA", 10),)
    assert [one.cap.holder for one in found.accounts] == ["C0HELP"]


def test_a_filter_narrows_what_is_seen(database: Database) -> None:
    """Of everything, one channel or one person."""
    spend(database, 10, SUNDAY)
    spend(database, 90, SUNDAY, channel="C0OPS", user="U0IVAN")
    assert ask(database, channel="C0OPS").summary.cost_nusd == 90
    assert ask(database, user="U0MAYA").summary.cost_nusd == 10


def test_who_may_not_tell_colleagues_apart_sees_their_own_and_a_sum(database: Database) -> None:
    """No top spenders, and one line for everybody else, which adds up."""
    for user, nusd in (("U0MAYA", 10), ("U0IVAN", 90), ("U0BOSS", 7)):
        spend(database, nusd, SUNDAY, user=user)
    found = ask(database, alone="U0MAYA")
    assert found.spenders == ()
    assert [(line.key, line.cost_nusd, line.calls) for line in found.lines] == [("U0MAYA", 10, 1), (OTHERS, 97, 2)]


amounts = st.integers(0, 10**15)


@given(amounts, st.floats(0, 1), st.one_of(st.none(), amounts), amounts)
def test_a_limit_is_reached_before_the_end_or_not_at_all(
    spent: int, part: float, forecast_nusd: int | None, limit: int
) -> None:
    """Between now and the end of the window, and only where it is not reached yet."""
    at = SUNDAY + part * DAY
    full_at = forecast.full_at(spent, limit, forecast_nusd, at, SUNDAY + DAY)
    assert full_at is None or (at <= full_at <= SUNDAY + DAY and spent < limit)

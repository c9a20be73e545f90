"""Sums of days: `bot.store.money.daily_costs`."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.store.db import Database
from bot.store.money import daily_costs
from bot.store.money.daily_costs import DayCost, DayQuestion, Loop, Place
from tests.support.ledger_factory import NOON, TODAY, LedgerFactory, cost

DAYS = tuple(TODAY - timedelta(days=ago) for ago in (2, 1, 0, -1))


@pytest.fixture
def books(database: Database) -> LedgerFactory:
    """Return an empty ledger."""
    return LedgerFactory(database)


def test_work_is_summed_by_subject_and_day(books: LedgerFactory) -> None:
    """Days without work are missing, other agents and evaluations are left out, the ends count as they should."""
    books.ask(2, tickets=2)
    books.ask(0, turns=2)
    books.ask(0, "U0OTTO", tools=("hand_off",))
    books.call(NOON, "U0MAYA", agent="other")
    books.call(NOON, "U0MAYA", purpose="eval")
    books.call(DAYS[0] - timedelta(microseconds=1), "U0MAYA")
    books.call(DAYS[-1], "U0MAYA")
    books.call(NOON, "U0OTTO", state="charged", cost_nusd=9)
    books.write()
    with books.database.read() as session:
        users = daily_costs.by_day(session, "user", DayQuestion("access", DAYS))
        tools = daily_costs.by_day(session, "tool", DayQuestion("access", DAYS))
        whole = daily_costs.by_day(session, "agent", DayQuestion("access", DAYS))
    two = DayCost(6 * cost(), 0, 6, 0, 2, 2, 12_000, 6 * (20 * 400 + 2 * 1_600), 9_600, 480)
    assert users["U0MAYA"][0] == two
    assert set(users["U0MAYA"]) == {0, 2}
    assert (users["U0MAYA"][2].calls, users["U0MAYA"][2].turns, users["U0MAYA"][2].tickets) == (6, 2, 1)
    assert users["U0OTTO"][2] == DayCost(cost() + 9, 9, 2, 1, 1, 1, 2_000, 11_200, 1_600, 80)
    assert {name: sum(day.calls for day in days.values()) for name, days in tools.items()} == {
        "look_up_my_account": 4,
        "unlock_my_account": 4,
        "hand_off": 1,
    }
    assert DayCost.total([*whole["access"].values()]).calls == 14
    assert DayCost.total([]) == DayCost()


def test_a_day_of_25_hours_is_one_day(books: LedgerFactory) -> None:
    """A local day is what stands between its two midnights."""
    berlin = ZoneInfo("Europe/Berlin")
    days = tuple(datetime(2026, 10, day, tzinfo=berlin).astimezone(UTC) for day in (24, 25, 26))
    assert days[2] - days[1] == timedelta(hours=25)
    for at in (days[1], days[2] - timedelta(seconds=1), days[1] - timedelta(seconds=1)):
        books.call(at, "U0MAYA")
    books.write()
    with books.database.read() as session:
        found = daily_costs.by_day(session, "user", DayQuestion("access", days))["U0MAYA"]
    assert {number: work.calls for number, work in found.items()} == {0: 1, 1: 2}


def test_only_some_or_without_some(books: LedgerFactory) -> None:
    """One subject alone, all but some tickets or people, only what is dear enough."""
    first = books.ask(0)
    second = books.ask(0, "U0OTTO", tickets=2)
    books.write()

    def calls(asked: DayQuestion, least: int = 0) -> dict[str, int]:
        with books.database.read() as session:
            found = daily_costs.by_day(session, "ticket", asked, least_nusd=least)
        return {name: days[0].calls for name, days in found.items()}

    today = DAYS[2:]
    assert calls(DayQuestion("access", today)) == {str(first): 3, str(first + 1): 3, str(second): 3}
    assert calls(DayQuestion("access", today, only=("user", "U0MAYA"))) == {str(first): 3}
    assert calls(DayQuestion("access", today, only=("ticket", str(second)))) == {str(second): 3}
    assert calls(DayQuestion("access", today, only=("tool", "unlock_my_account"))) == {"1": 1, "2": 1, "3": 1}
    assert calls(DayQuestion("access", today, without=((str(first),), ()))) == {"2": 3, "3": 3}
    assert calls(DayQuestion("access", today, without=((), ("U0OTTO",)))) == {str(first): 3}
    assert calls(DayQuestion("access", today), least=3 * cost() + 1) == {}
    with books.database.read() as session:
        users = daily_costs.by_day(session, "user", DayQuestion("access", today), least_nusd=6 * cost())
    assert set(users) == {"U0OTTO"}


def test_tickets_by_cost_loops_and_places(books: LedgerFactory) -> None:
    """What each ticket cost over all days, which tool was called most in one turn, and where its ticket is."""
    books.ask(1)
    cheap = books.ask(1, tools=(None,))
    looped = books.ask(0, "U0OTTO", tools=("look_up_my_account",) * 5 + ("unlock_my_account",))
    books.write()
    asked = DayQuestion("access", DAYS)
    with books.database.read() as session:
        assert daily_costs.ticket_costs(session, asked) == [cost(), 3 * cost(), 6 * cost()]
        assert daily_costs.longest_loop(session, asked) == Loop("look_up_my_account", str(looped), 5)
        only = DayQuestion("access", DAYS, only=("tool", "unlock_my_account"))
        assert daily_costs.longest_loop(session, only) == Loop("unlock_my_account", "1", 1)
        assert daily_costs.longest_loop(session, DayQuestion("access", DAYS, only=("ticket", str(cheap)))) is None
        assert daily_costs.place_of(session, str(looped)) == Place("C0HELP", f"1.{looped}", False, "U0OTTO")
        assert daily_costs.place_of(session, "999") is None

"""Which spending deviates, and what is named: `bot.budget.reports.anomalies`, over ledgers written by hand."""

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.budget.caps import Budgets
from bot.budget.reports import anomalies
from bot.budget.reports.anomalies import Anomaly
from bot.budget.reports.patterns import Pattern
from bot.store import db
from tests.support.ledger_factory import NOON, USUAL, LedgerFactory, cost

TURN = 3 * cost()
LOOK = "look_up_my_account"


@pytest.fixture
def books(sqlite_url: str) -> Iterator[LedgerFactory]:
    """Return an empty ledger; that both databases sum alike is shown in the tests of `bot.store.money.daily_costs`."""
    with closing(db.connect(sqlite_url)) as database:
        yield LedgerFactory(database)


def found(books: LedgerFactory, *, at: datetime = NOON, zone: str = "UTC", **alerts: Any) -> list[Anomaly]:
    """Write the books down and return what deviates; a cent matters."""
    books.write()
    wanted = False if alerts.get("wanted") is False else {"factor": 3, "least": "0.01", **alerts}
    budgets = Budgets.model_validate({"time_zone": zone, "alerts": wanted})
    with books.database.read() as session:
        return list(anomalies.find(session, budgets, agent="access", at=at))


def causes(one: Anomaly) -> list[str]:
    """Return the patterns of a deviation in their order."""
    return [pattern.cause for pattern in one.patterns]


def test_usual_days_deviate_in_nothing(books: LedgerFactory) -> None:
    """Neither do days of a few requests more."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO")
    for user in ("U0MAYA", "U0OTTO"):
        books.ask(0, user, tickets=2)
    assert found(books, least="0") == []


def test_a_person_who_asks_far_more_than_ever(books: LedgerFactory) -> None:
    """They are named with how many requests it were, where so many are usual; the others' days do not matter."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO", "U0GRACE")
    for user in ("U0OTTO", "U0AIKO", "U0GRACE"):
        books.ask(0, user)
    books.ask(0, tickets=9)
    [one] = found(books)
    assert (one.per, one.name, one.work.cost_nusd, one.extra_nusd) == ("user", "U0MAYA", 9 * TURN, 8 * TURN)
    assert (one.usual.cost_nusd, one.usual.high_nusd, one.usual.count) == (TURN, 2 * TURN, 28)
    [pattern] = one.patterns
    assert (pattern.cause, pattern.now) == ("requests", 9)
    assert pattern.usual == pytest.approx(37 / 28)


def test_a_person_without_a_past_is_held_against_everybody(books: LedgerFactory) -> None:
    """Thirty requests are no habit of somebody who was there on six days, and nobody else's either."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO")
    for days_ago in range(1, 7):
        books.ask(days_ago, "U0NEW")
    books.ask(0, "U0NEW", tickets=30)
    [one] = found(books)
    assert (one.per, one.name, one.usual.of, one.usual.count) == ("user", "U0NEW", "days of everybody", 90)
    assert causes(one) == ["requests"]


def test_a_ticket_in_which_a_tool_is_tried_again_and_again(books: LedgerFactory) -> None:
    """The tool, how often in one turn, and the ticket; whoever asked and the tool itself are not named once more."""
    books.weeks("U0MAYA", "U0OTTO")
    looped = books.ask(0, tools=(LOOK,) * 14 + (None,))
    [one] = found(books)
    assert (one.per, one.name, one.usual.of, one.usual.count) == ("ticket", str(looped), "tickets", 74)
    [pattern] = one.patterns
    assert pattern == Pattern("loop", 5.0, 14, 1.0, name=LOOK, ticket=str(looped))


def test_a_tool_that_everybody_needs_more_often(books: LedgerFactory) -> None:
    """No ticket is dear by itself; the tool is, and with it the loop that each of them has a little of."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO")
    for user in ("U0MAYA", "U0OTTO", "U0AIKO"):
        last = books.ask(0, user, tools=(LOOK,) * 5 + ("unlock_my_account", None))
    one = found(books)[0]
    assert (one.per, one.name) == ("tool", LOOK)
    assert one.patterns[0] == Pattern("loop", 5.0, 5, 1.0, name=LOOK, ticket=str(last - 2))


def test_a_tool_that_one_person_uses(books: LedgerFactory) -> None:
    """Who made most of it, where that is news: all they did together costs no more than on other days."""
    for days_ago in range(1, 29):
        books.ask(days_ago, tickets=4)
        books.ask(days_ago, "U0OTTO", tools=("recent_sign_ins", None))
    books.ask(0, "U0OTTO", tools=("recent_sign_ins", None))
    books.ask(0, tickets=4, tools=("recent_sign_ins", None))
    [one] = found(books, least="0.005")
    assert (one.per, one.name, one.work.calls) == ("tool", "recent_sign_ins", 5)
    assert causes(one) == ["requests", "user"]
    user = one.patterns[1]
    assert (user.name, user.now, user.usual, user.times) == ("U0MAYA", 0.8, 0.0, 5.0)


def test_who_has_always_used_a_tool_is_no_news(books: LedgerFactory) -> None:
    """It is used more often, by the one who uses it."""
    for days_ago in range(1, 29):
        books.ask(days_ago, tickets=4)
        books.ask(days_ago, tools=("recent_sign_ins", None))
    books.ask(0, tickets=5, tools=("recent_sign_ins", None))
    [one] = found(books, least="0.005")
    assert (one.name, causes(one)) == ("recent_sign_ins", ["requests"])


def test_a_tool_that_is_always_called_often_is_no_loop(books: LedgerFactory) -> None:
    """Five times in a turn, where three are usual, are more calls and nothing else."""
    people = [f"U0PERSON{number}" for number in range(12)]
    for days_ago in range(29):
        for user in people:
            books.ask(days_ago, user, tools=(LOOK,) * (3 if days_ago else 5) + (None,))
    one = found(books)[0]
    assert (one.per, causes(one), one.patterns[0].now) == ("agent", ["calls"], 6)


@pytest.mark.parametrize(
    ("today", "cause", "now", "usual"),
    [
        ({"prompt": 12_000, "read": 9_600}, "prompt", 12_000, 2_000),
        ({"read": 0}, "cache", 0.0, 0.8),
        ({"output": 600}, "answers", 600, 80),
        ({"price": 2.0}, "price", None, None),
        ({"tools": (*USUAL, *USUAL)}, "calls", 6, 3),
    ],
)
def test_an_agent_whose_turns_have_become_dear(
    books: LedgerFactory, today: dict[str, Any], cause: str, now: float | None, usual: float | None
) -> None:
    """Nobody asks more than they did, but each turn costs more: what of it, then and now."""
    people = [f"U0PERSON{number}" for number in range(12)]
    books.weeks(*people)
    for user in people:
        books.ask(0, user, **today)
    one = found(books, factor=9)[0]
    assert (one.per, one.name, one.work.turns) == ("agent", "access", 12)
    assert causes(one) == [cause]
    if now is not None:
        assert one.patterns[0].now == pytest.approx(now)
        assert one.patterns[0].usual == pytest.approx(usual)


def test_calls_whose_end_nobody_knows(books: LedgerFactory) -> None:
    """What is charged at its worst case is named as that, not as dearer tokens."""
    books.weeks("U0MAYA")
    books.ask(0, state="charged", cost_nusd=20 * cost())
    books.ask(0)
    [one] = found(books)
    assert one.patterns[0].cause == "charged"
    assert (one.patterns[0].now, one.patterns[0].usual) == (3, 0)


@pytest.mark.parametrize("days", [0, 1, 6])
def test_without_a_past_there_is_no_deviation(books: LedgerFactory, days: int) -> None:
    """In the first week nobody knows what is usual."""
    books.weeks("U0MAYA", "U0OTTO", days=days)
    books.ask(0, tickets=50)
    books.ask(0, "U0OTTO", tools=(LOOK,) * 40)
    assert found(books) == []


def test_from_the_seventh_day_on_there_is(books: LedgerFactory) -> None:
    """A week of days is a past."""
    books.weeks("U0MAYA", days=7)
    books.ask(0, tickets=50)
    assert found(books)[0].name == "U0MAYA"


def test_what_is_older_than_four_weeks_is_forgotten(books: LedgerFactory) -> None:
    """Habits change; the days before today count, today and what lies further back do not."""
    for days_ago in range(29, 60):
        books.ask(days_ago, tickets=9)
    books.weeks("U0MAYA")
    books.ask(0, tickets=9)
    [one] = found(books)
    assert one.usual.count == 28


@pytest.mark.parametrize(
    ("alerts", "tickets", "deviates"),
    [
        ({"least": "0.05"}, 9, False),
        ({"least": "0.046"}, 9, True),
        ({"factor": 9.5}, 9, False),
        ({"factor": 9.0}, 9, True),
        ({"factor": 1.5, "least": "0"}, 2, False),  # as on other days
        ({"factor": 1.5, "least": "0"}, 3, True),
        ({"wanted": False}, 90, False),
    ],
)
def test_it_must_be_far_enough_and_matter(
    books: LedgerFactory, alerts: dict[str, Any], tickets: int, *, deviates: bool
) -> None:
    """So many times what is usual, above nearly all days, and by an amount that matters; nobody needs alerts."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO")
    books.ask(0, tickets=tickets)
    assert bool(found(books, **alerts)) is deviates


def test_one_earlier_accident_does_not_hide_the_next(books: LedgerFactory) -> None:
    """Of a month of days the most expensive one counts for nothing."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO")
    books.ask(9, tickets=50)
    books.ask(0, tickets=12)
    assert [one.name for one in found(books)] == ["U0MAYA"]


def test_what_one_deviation_explains_no_other_repeats(books: LedgerFactory) -> None:
    """A person who deviates by one ticket only is not named beside it; by the rest of their day they are."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO")
    dear = books.ask(0, tools=(LOOK,) * 30)
    books.ask(0, tickets=2)
    assert [(one.per, one.name) for one in found(books)] == [("ticket", str(dear))]


def test_two_deviations_come_the_dearest_first(books: LedgerFactory) -> None:
    """A person beside a ticket of another."""
    books.weeks("U0MAYA", "U0OTTO", "U0AIKO")
    dear = books.ask(0, tools=(LOOK,) * 30)
    books.ask(0, "U0OTTO", tickets=30)
    assert [(one.per, one.name) for one in found(books)][:2] == [("user", "U0OTTO"), ("ticket", str(dear))]


def test_noise_is_no_deviation(books: LedgerFactory) -> None:
    """Forty people, numbers of requests and lengths of prompts as chance has them: nothing by the usual settings."""
    chance = random.Random(7)
    for days_ago in range(29):
        for number in range(40):
            for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3))):
                prompt = round(chance.lognormvariate(7.6, 0.5))
                tools = USUAL * chance.choice((1, 1, 1, 2))
                books.ask(days_ago, f"U0P{number}", tools=tools, prompt=prompt, read=prompt * 3 // 4)
    assert found(books, least="0.02") == []


def test_a_day_is_local(books: LedgerFactory) -> None:
    """What Auckland does in its morning is of that day, though it is yesterday in UTC."""
    zone = ZoneInfo("Pacific/Auckland")
    morning = datetime(2026, 11, 22, 8, tzinfo=zone)
    books.noon = datetime(2026, 11, 22, 12, tzinfo=zone)
    books.weeks("U0MAYA")
    books.ask(0, tickets=9, at=morning)
    books.ask(1, tickets=9, at=morning - timedelta(hours=9))  # 23:00 of the day before
    assert [one.work.tickets for one in found(books, at=morning + timedelta(hours=1), zone="Pacific/Auckland")] == [9]

"""What tickets cost with the time of people: `bot.store.money.people_time`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.slack.money import cost_words
from bot.store.db import Database
from bot.store.money import people_time, spending
from bot.store.money.spending import LedgerFilter, Summary
from bot.store.money.ticket_costs import ClaimedTime, TicketCosts
from tests.support.request_histories import MEASURED, History

HOUR = timedelta(hours=1)
WINDOW = LedgerFilter(MEASURED - HOUR, MEASURED + HOUR)
RATE = 45 * 10**9
"Nano-USD an hour."


def measured(database: Database, where: LedgerFilter = WINDOW, **rates: int) -> Summary:
    """Return the figures of a window that goes on until an hour later."""
    with database.read() as session:
        found = spending.summary(session, where)
        return people_time.added(session, found, where, rates=rates, at=MEASURED + timedelta(minutes=30))


@pytest.fixture
def books(database: Database) -> Database:
    """Keep three claimed tickets with calls in the window, one that nobody had, and one without calls.

    The window goes from an hour before `MEASURED` to an hour after it, and half an hour after it is now.
    """
    history = History()
    early, late = MEASURED - 3 * HOUR, MEASURED - HOUR / 2
    mine = history.ticket(early, state="resolved", category="locked")
    history.handoff(mine, early, [("claimed", early), ("resolved", MEASURED - HOUR / 2)], closed_at=MEASURED)
    open_ = history.ticket(late, state="handed_off", agent="vpn", requester="U0OTTO")
    history.handoff(open_, late, [("claimed", MEASURED)], state="claimed")
    over = history.ticket(early, state="resolved", category="locked")
    history.handoff(over, early, [("claimed", early), ("resolved", early + HOUR)], closed_at=early + HOUR)
    alone = history.ticket(late, state="resolved", category="locked")
    elsewhere = history.ticket(late, state="handed_off")
    history.handoff(elsewhere, late, [("claimed", late)], state="claimed")
    for ticket in (mine, open_, over, alone):
        history.call(ticket, 1_000)
    with database.write() as session:
        history.write(session)
    return database


def test_the_time_of_people_counts_within_the_window(books: Database) -> None:
    """Of a claim that began before it the part since, of one that goes on the part until now; of an older one none."""
    seen = measured(books, access=RATE, vpn=2 * RATE)
    assert seen.people == ClaimedTime(1_800.0 + 1_800.0, 22_500_000_000 + 45_000_000_000)
    assert seen.people_resolved == ClaimedTime(1_800.0, 22_500_000_000)
    assert people_time.of_tickets(seen) == TicketCosts(4, 4_000, 3_600.0, 67_500_000_000)
    assert people_time.of_resolved(seen) == TicketCosts(3, 3_000, 1_800.0, 22_500_000_000)
    assert people_time.of_handed_off(seen) == TicketCosts(3, 3_000, 3_600.0, 67_500_000_000)
    costs = people_time.of_tickets(seen)
    assert (costs.total_nusd, costs.per_ticket) == (67_500_004_000, 16_875_001_000)


def test_without_a_rate_the_cost_of_people_is_not_known(books: Database) -> None:
    """One agent's card without a rate is enough: an amount that leaves out a part of them is none."""
    seen = measured(books, access=RATE)
    assert seen.people == ClaimedTime(3_600.0, 22_500_000_000, unpriced=1)
    assert (people_time.of_tickets(seen).human_nusd, people_time.of_tickets(seen).per_ticket) == (None, None)
    assert people_time.of_resolved(seen).per_ticket == (3_000 + 22_500_000_000) // 3
    assert measured(books).people == ClaimedTime(3_600.0, 0, unpriced=2)


@pytest.mark.parametrize(
    ("only", "seconds"),
    [
        ({"agent": "vpn"}, 0.0),  # by the agent of the call, which is another
        ({"user": "U0MAYA"}, 3_600.0),
        ({"user": "U0OTTO"}, 0.0),
        ({"any_of": (("channel", "C0OTHER"),)}, 0.0),
        ({"any_of": ()}, 0.0),
    ],
)
def test_nobody_sees_the_time_of_tickets_that_they_may_not_see(books: Database, only: dict, seconds: float) -> None:  # type: ignore[type-arg]
    """It is that of the tickets whose calls the filter lets through."""
    assert measured(books, replace(WINDOW, **only)).people.seconds == seconds


def test_the_words_name_what_is_in_a_cost(books: Database) -> None:
    """With a rate each cost holds people, without one it does not, and both are said; JSON has both apart."""
    told = cost_words.figures(measured(books, access=RATE, vpn=2 * RATE))
    assert told["Cost per ticket"] == "$16.88 ($67.50 for 4)"
    assert told["Cost per resolved ticket"] == "$7.50 ($22.50 for 3)"
    assert told["Cost per handoff"] == "$22.50 ($67.50 for 3)"
    assert told["Time of people"] == "60 min ($67.50)"
    without = cost_words.figures(measured(books))
    assert without["Cost per ticket"] == "$0.000001 ($0.000004 for 4)"
    assert without["Time of people"] == "60 min (no rate in card)"
    assert cost_words.figures(measured(books, replace(WINDOW, any_of=())))["Time of people"] is None
    assert cost_words.as_json(measured(books))["tickets"] == {
        "tickets": 4,
        "model_nusd": 4_000,
        "claimed_seconds": 3_600.0,
        "people_nusd": None,
        "per_ticket_nusd": None,
    }

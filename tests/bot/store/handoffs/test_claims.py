"""How long people had tickets claimed: `bot.store.handoffs.claims`."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, true

from bot.store.db import Database
from bot.store.handoffs import claims
from tests.support.request_histories import History

BERLIN = ZoneInfo("Europe/Berlin")
BEFORE = datetime(2026, 10, 24, 23, 40, tzinfo=UTC)
"Twenty minutes before midnight in UTC, and an hour and twenty minutes before the clocks change in Berlin."


def after(minutes: float) -> datetime:
    """Return a time so long after `BEFORE`."""
    return BEFORE + timedelta(minutes=minutes)


def held(database: Database, *moves: tuple[str, float], at: float = 600) -> float | None:
    """Return how many minutes a ticket was held, with these moves of its handoff, measured at a time."""
    history = History()
    history.handoff(history.ticket(BEFORE), BEFORE, [(move, after(minutes)) for move, minutes in moves])
    with database.write() as session:
        history.write(session)
    with database.read() as session:
        found = session.execute(select(claims.by_ticket(true(), at=after(at)).c.claimed_seconds)).scalar_one_or_none()
    return None if found is None else round(float(found) / 60, 5)


@pytest.mark.parametrize("end", ["unclaimed", "expired", "returned", "resolved"])
def test_a_claim_lasts_until_it_ends(database: Database, end: str) -> None:
    """It counts from the claim to its end; what renews it or warns of its end is in between."""
    assert held(database, ("claimed", 5), ("renewed", 8), ("warned", 20), (end, 30)) == 25


def test_nobody_has_what_is_not_claimed(database: Database) -> None:
    """An escalated and cancelled handoff has cost no time of people."""
    assert held(database, ("escalated", 5), ("cancelled", 30)) is None


def test_two_claims_of_one_handoff_add_up(database: Database) -> None:
    """The time between them, in which nobody had it, is in neither."""
    assert held(database, ("claimed", 0), ("expired", 30), ("claimed", 50), ("resolved", 54)) == 34


def test_a_reassigned_claim_counts_once(database: Database) -> None:
    """The first holder's time ends where the second one's begins."""
    assert held(database, ("claimed", 0), ("reassigned", 10), ("reassigned", 15), ("unclaimed", 40)) == 40


def test_a_claim_that_goes_on_counts_until_now(database: Database) -> None:
    """Who has it still has spent the time so far."""
    assert held(database, ("claimed", 10), ("renewed", 20), at=45) == 35


def test_a_claim_of_a_moment_ahead_costs_nothing(database: Database) -> None:
    """A claim written down after the time of measuring is no negative time."""
    assert held(database, ("claimed", 10), at=5) == 0


def test_midnight_and_the_change_of_clocks_add_nothing(database: Database) -> None:
    """From 01:50 to 02:10 by Berlin's clocks of that night 80 minutes pass, over midnight in UTC none are lost."""
    assert held(database, ("claimed", 10), ("resolved", 30)) == 20
    history = History()
    since, until = (datetime(2026, 10, 25, 2, minute, fold=fold, tzinfo=BERLIN) for minute, fold in ((50, 0), (10, 1)))
    assert (until - since).total_seconds() < 0  # Python subtracts the clocks on the wall
    history.number = 1_000
    history.handoff(history.ticket(BEFORE), BEFORE, [("claimed", since), ("resolved", until)])
    with database.write() as session:
        history.write(session)
    with database.read() as session:
        seconds = session.execute(select(claims.by_ticket(true(), at=after(600)).c.claimed_seconds)).scalars().all()
    assert sorted(float(one) for one in seconds) == [1_200, 1_200]


def test_each_ticket_has_its_own_time(database: Database) -> None:
    """Two handoffs of one ticket add up, and those of another ticket are its own."""
    history = History()
    ticket, other = history.ticket(BEFORE), history.ticket(BEFORE)
    for of, minutes in ((ticket, 5), (other, 7), (ticket, 11)):
        history.handoff(of, BEFORE, [("claimed", BEFORE), ("resolved", after(minutes))])
    with database.write() as session:
        history.write(session)
    with database.read() as session:
        by_ticket = claims.by_ticket(true(), at=after(600))
        found = {row.ticket_id: float(row.claimed_seconds) / 60 for row in session.execute(select(by_ticket))}
    assert found == {ticket: 16, other: 7}


@pytest.mark.parametrize(
    ("since", "at", "minutes"), [(0, 600, 25), (10, 600, 20), (0, 20, 15), (10, 20, 10), (40, 600, 0), (0, 5, 0)]
)
def test_what_is_outside_a_window_does_not_count(database: Database, since: float, at: float, minutes: float) -> None:
    """Of a claim from the fifth to the thirtieth minute only what lies between both ends counts, and never less."""
    history = History()
    history.handoff(history.ticket(BEFORE), BEFORE, [("claimed", after(5)), ("resolved", after(30))])
    with database.write() as session:
        history.write(session)
    with database.read() as session:
        held = claims.by_ticket(true(), at=after(at), since=after(since))
        assert float(session.execute(select(held.c.claimed_seconds)).scalar_one()) / 60 == pytest.approx(minutes)

"""The success criterion as the clock counts it: `bot.store.figures.success_days`."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update

from bot.store.db import Database
from bot.store.figures import histograms, success, success_days
from bot.store.figures.dashboard import midnight
from bot.store.figures.success import Success
from bot.store.figures.success_days import CountedSuccess
from bot.store.handoffs.handoff_metrics import Cohort, Spread
from bot.store.schema import SuccessDay, Ticket
from tests.support.factories import in_rounds, plans, rows
from tests.support.request_histories import MEASURED, RATES, History, random_history

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
END = midnight(MEASURED) + DAY
DAYS = Cohort(END - 12 * DAY, END, MEASURED, rates=RATES)
COHORTS = (
    DAYS,
    replace(DAYS, agent="access"),
    replace(DAYS, among=("vpn", "software")),
    replace(DAYS, among=()),
    replace(DAYS, since=END - 3 * DAY, until=END - DAY),
    replace(DAYS, until=DAYS.since),
)
"All days, one agent's, those of two and of none, two days, and no day."


def count_day(database: Database, day: date, at: datetime = MEASURED) -> bool:
    """Count a day as the clock does."""
    with database.read() as session:
        counts = success_days.count(session, day, at=at, rates=RATES)
    with database.write() as session:
        return success_days.keep(session, day, counts, at=at)


def due(database: Database, at: datetime = MEASURED) -> tuple[date, ...]:
    """Return the days that the clock would count."""
    with database.read() as session:
        return success_days.due(session, at=at)


def shown(database: Database, cohort: Cohort = DAYS) -> CountedSuccess:
    """Return what a page shows."""
    with database.read() as session:
        return success_days.read(session, cohort)


def two_digit_times(exact: Success) -> Success:
    """Return figures with their times to two significant digits."""

    def spread(of: Spread) -> Spread:
        times = (None if one is None else histograms.rounded(round(one * 1000)) / 1000 for one in (of.median, of.p90))
        return Spread(of.count, *times)

    return replace(exact, to_answer=spread(exact.to_answer), to_resolution=spread(exact.to_resolution))


def same_as_exact(database: Database) -> None:
    """Hold that each cohort shows what `success` says, in total and by day."""
    for cohort in COHORTS:
        seen = shown(database, cohort)
        with database.read() as session:
            assert seen.total == two_digit_times(success.total(session, cohort))
            assert seen.days == tuple(map(two_digit_times, success.by_day(session, cohort)))


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_counted_is_the_criterion(database: Database, seed: int) -> None:
    """Before any day is counted, when every other day is, and when all are: in total, by day, and for some agents."""
    with database.write() as session:
        random_history(seed).write(session)
    same_as_exact(database)
    days = due(database)
    assert len(days) > 5
    for some in (days[::2], days[1::2]):
        assert all(count_day(database, day) for day in some)
        same_as_exact(database)
    assert shown(database).counted_at == MEASURED


def test_what_is_counted_is_not_read_again(database: Database) -> None:
    """A page shows what was true when the day was counted, until that is long overdue because no clock runs."""
    with database.write() as session:
        random_history(3).write(session)
    for day in due(database):
        count_day(database, day)
    before = shown(database)
    with database.write() as session:
        session.execute(update(Ticket).values(state="open", resolved_at=None))
    assert shown(database, replace(DAYS, at=MEASURED + 5 * MINUTE)) == before
    assert before.total.settled.solved > 0
    late = shown(database, replace(DAYS, at=MEASURED + 15 * MINUTE))
    assert late.days[:-2] == before.days[:-2], "older days are not overdue yet"
    assert late.days[-2:] != before.days[-2:], "without a clock, the newest days are read"


def test_a_day_is_counted_from_its_tickets(database: Database) -> None:
    """They are found by the index on their agent and opening, and their handoffs by theirs; no table is read whole."""
    with database.write() as session:
        random_history(3).write(session)
    by_text = plans(database, lambda session: success_days.count(session, END.date(), at=MEASURED, rates=RATES))
    [plan] = [plan for statement, plan in by_text.items() if "FROM handoff_moves" in statement]
    assert plan.count("ix_tickets_agent_created_at") == 2, plan
    assert "SCAN tickets" not in plan
    assert "ix_handoffs_ticket_id" in plan


def test_days_are_due_by_their_age_and_when_something_has_changed(database: Database) -> None:
    """Today after two minutes, last week after ten, any after a day; an older one when its request was handed off."""
    history, old, today = History(), MEASURED - 20 * DAY, MEASURED.date()
    tickets = [history.ticket(MEASURED - ago * DAY, state="resolved", resolved_at=old) for ago in (0, 5, 20)]
    with database.write() as session:
        history.write(session)
    for day in due(database):
        count_day(database, day)
    assert due(database, MEASURED + 2 * MINUTE) == (today, today - DAY)
    assert len(due(database, MEASURED + 10 * MINUTE)) == 9
    assert len(due(database, MEASURED + DAY)) == 22
    change, later = MEASURED + 20 * MINUTE, History(number=1_000)
    later.handoff(tickets[2], change, opened_at=change, state="open")
    later.turn(tickets[1], finished_at=change)
    with database.write() as session:
        later.write(session)
    assert due(database, change + MINUTE)[-1] == old.date()
    count_day(database, old.date(), change + MINUTE)
    assert old.date() not in due(database, change + 2 * MINUTE)
    assert shown(database, replace(DAYS, since=midnight(old))).total.settled.to_people == 1


def test_a_later_count_stays(database: Database) -> None:
    """Of two clocks, the one that counted first writes last: its count is older, and is not stored."""
    with database.write() as session:
        random_history(4).write(session)
    day = due(database)[3]
    assert count_day(database, day, MEASURED)
    assert not count_day(database, day, MEASURED - MINUTE)
    assert not count_day(database, day, MEASURED)
    assert [row.counted_at for row in rows(database, SuccessDay)] == [MEASURED]


def test_clocks_at_once_count_nothing_twice(postgres: Database) -> None:
    """Four clocks on PostgreSQL count the same days at the same moments."""
    with postgres.write() as session:
        random_history(5).write(session)
    days = due(postgres)
    kept = in_rounds(4, days, lambda clock, day: count_day(postgres, day, MEASURED + clock * timedelta(seconds=1)))
    assert all(any(each) for each in kept)
    with postgres.read() as session:
        assert shown(postgres).total.settled.all + shown(postgres).total.unsettled.all == (
            success.total(session, DAYS).settled.all + success.total(session, DAYS).unsettled.all
        )
    assert {row.counted_at for row in rows(postgres, SuccessDay)} == {MEASURED + timedelta(seconds=3)}


def test_without_requests_there_is_nothing_to_count(database: Database) -> None:
    """No day is due, every figure is empty, and the time of counting is now."""
    assert due(database) == ()
    assert shown(database) == CountedSuccess(Success(), (), MEASURED)

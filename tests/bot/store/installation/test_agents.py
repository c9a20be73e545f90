"""Agents as principals: suspensions, reviews and ids that are never used twice: `bot.store.installation.agents`."""

from datetime import date, timedelta

import pytest

from bot.store.db import Database
from bot.store.installation import agents
from bot.store.schema import AgentRow, AuditRow, Suspension, now
from tests.support.factories import at_once, plans, rows

ROUNDS = 20
WEEK = timedelta(days=7)


def suspend(database: Database, cause: str = "wrong answers", name: str = "access") -> Suspension | None:
    """Suspend an agent as an operator does."""
    with database.write() as session:
        return agents.suspend(session, name, cause=cause, by="operator")


def resume(database: Database, name: str = "access") -> Suspension | None:
    """Resume an agent as an operator does."""
    with database.write() as session:
        return agents.resume(session, name, by="operator")


def events(database: Database) -> list[str]:
    """Return what is in the audit log, in order."""
    return [row.event for row in rows(database, AuditRow)]


def test_a_suspension_is_a_row_and_an_event_with_its_cause(database: Database) -> None:
    """Who, why and since when; its end is a second event of the same row, and the agent may be suspended again."""
    new = suspend(database)
    assert new is not None
    with database.read() as session:
        found = agents.suspension(session, "access")
        assert agents.standing(session, "access")[1] is found
        assert agents.suspension(session, "other") is None
        assert list(agents.lasting(session)) == ["access"]
    assert found is not None
    assert (found.cause, found.by, found.over_at) == ("wrong answers", "operator", None)
    ended = resume(database)
    assert ended is not None
    assert (ended.id, ended.over_by) == (new.id, "operator")
    with database.read() as session:
        assert agents.suspension(session, "access") is None
    assert suspend(database, "again") is not None
    began, over, anew = rows(database, AuditRow)
    assert (began.event, began.actor) == ("agent.suspended", "operator")
    assert began.record == {"agent": "access", "suspension": new.id, "cause": "wrong answers"}
    assert (over.event, over.record) == ("agent.resumed", {"agent": "access", "suspension": new.id})
    assert anew.event == "agent.suspended"
    with database.read() as session:
        assert [one.cause for one in agents.past(session, "access", most=2)] == ["again", "wrong answers"]


def test_what_is_done_already_changes_nothing(database: Database) -> None:
    """A second suspension and a second resumption find nothing to do, and are in no log."""
    assert resume(database) is None
    assert suspend(database, "first") is not None
    assert suspend(database, "second") is None
    assert [one.cause for one in rows(database, Suspension)] == ["first"]
    assert resume(database) is not None
    assert resume(database) is None
    assert events(database) == ["agent.suspended", "agent.resumed"]


def test_of_two_who_suspend_at_once_one_does(postgres: Database) -> None:
    """The other is told that it is suspended; there is one row that lasts and one event, in each round."""
    for number in range(ROUNDS):
        got = at_once(2, lambda who, number=number: suspend(postgres, f"{number}/{who}"))  # type: ignore[misc]
        assert sum(one is not None for one in got) == 1
        with postgres.read() as session:
            assert len(agents.lasting(session)) == 1
        assert resume(postgres) is not None
    assert events(postgres) == ["agent.suspended", "agent.resumed"] * ROUNDS


def test_who_suspends_and_who_resumes_at_once_come_one_after_the_other(postgres: Database) -> None:
    """Whichever was first: the row and the log agree, and each did what it was told that it did."""
    lasts = False
    for _ in range(ROUNDS):
        new, ended = at_once(2, lambda who: suspend(postgres) if who == 0 else resume(postgres))
        with postgres.read() as session:
            lasting = agents.suspension(session, "access")
        assert lasts + (new is not None) - (ended is not None) == (lasting is not None)
        lasts = lasting is not None
    every = rows(postgres, Suspension)
    began = [row.record["suspension"] for row in rows(postgres, AuditRow) if row.event == "agent.suspended"]
    over = [row.record["suspension"] for row in rows(postgres, AuditRow) if row.event == "agent.resumed"]
    assert sorted(began) == [one.id for one in every]
    assert sorted(over) == [one.id for one in every if one.over_at is not None]


def test_an_index_finds_the_suspension(database: Database) -> None:
    """It is read before every step, so it must not cost more after a thousand suspensions."""
    for text, plan in plans(database, lambda session: agents.suspension(session, "access")).items():
        assert "uq_suspensions_lasting" in plan, text


def test_a_retired_id_stays_retired(database: Database) -> None:
    """It is retired once, and known for ever."""
    with database.write() as session:
        agents.enter(session, "access")
        assert agents.retire(session, "access", because="its card says so")
        assert not agents.retire(session, "access", because="again")
        assert agents.retire(session, "gone", because="access inherits its tickets")
    with database.read() as session:
        assert [name for name, row in agents.ids(session).items() if row.retired_at] == ["access", "gone"]
        assert agents.standing(session, "access") == (True, None)
    assert [row.record["because"] for row in rows(database, AuditRow)] == [
        "its card says so",
        "access inherits its tickets",
    ]


def test_the_later_day_of_card_and_review_counts(database: Database) -> None:
    """Neither can shorten what the other has promised."""
    with database.write() as session:
        assert agents.review_by(session, "access", date(2027, 5, 31)) == date(2027, 5, 31)
        agents.review(session, "access", until=date(2027, 6, 30), by="operator")
        assert agents.review_by(session, "access", date(2027, 5, 31)) == date(2027, 6, 30)
        assert agents.review_by(session, "access", date(2028, 1, 1)) == date(2028, 1, 1)
    [audited] = rows(database, AuditRow)
    assert (audited.event, audited.record) == ("agent.reviewed", {"agent": "access", "until": "2027-06-30"})
    [row] = rows(database, AgentRow)
    assert (row.review_until, row.reviewed_by) == ("2027-06-30", "operator")


@pytest.mark.parametrize("clocks", [2])
def test_of_two_clocks_one_takes_the_reminder_of_a_week(postgres: Database, clocks: int) -> None:
    """Within a week nobody takes another; a review that is recorded begins anew."""

    def take(_who: int) -> bool:
        with postgres.write() as session:
            return agents.take_reminder(session, "access", told_before=now() - WEEK)

    assert sum(at_once(clocks, take)) == 1
    assert not take(0)
    with postgres.write() as session:
        assert agents.take_reminder(session, "access", told_before=now())
        agents.review(session, "access", until=date(2027, 6, 30), by="operator")
    assert take(0)

"""Approvers with an authenticator app: `bot.store.approvals.approvers`."""

from datetime import UTC, datetime

from bot.store.approvals import approvers
from bot.store.db import Database
from bot.store.schema import Approver, AuditRow
from tests.support.factories import at_once, rows

BEN, PRIYA = "U0BEN", "U0PRIYA"
NOON = datetime(2026, 11, 30, 12, 0, 10, tzinfo=UTC)


def enrol(database: Database, user: str, secret: str = "sealed") -> bool:
    with database.write() as session:
        return approvers.enrol(session, user, secret=secret, by="operator")


def test_somebody_is_enrolled_once(database: Database) -> None:
    """A second secret is not taken over; who is removed may be enrolled again, and each is in the audit log."""
    assert enrol(database, PRIYA)
    assert not enrol(database, PRIYA, "other")
    with database.write() as session:
        assert [row.secret for row in approvers.everyone(session)] == ["sealed"]
        assert approvers.any_enrolled(session, [BEN, PRIYA])
        assert not approvers.any_enrolled(session, [BEN])
        assert not approvers.any_enrolled(session, [])
        assert approvers.remove(session, PRIYA, by="operator")
        assert not approvers.remove(session, PRIYA, by="operator")
        assert not approvers.any_enrolled(session, [PRIYA])
    assert enrol(database, PRIYA, "other")
    told = [(row.event, row.actor, row.subject) for row in rows(database, AuditRow)]
    assert told == [(f"approver.{what}", "operator", PRIYA) for what in ("enrolled", "removed", "enrolled")]


def test_who_is_locked_still_counts_as_enrolled(database: Database) -> None:
    """Otherwise five wrong codes would change the second step that is asked for."""
    enrol(database, PRIYA)
    with database.write() as session:
        row = approvers.find(session, PRIYA)
        assert row is not None
        assert [approvers.count_wrong(session, row, at=NOON) for _ in range(6)] == [4, 3, 2, 1, 0, 0]
    with database.read() as session:
        assert approvers.any_enrolled(session, [PRIYA])


def test_of_eight_who_use_a_step_at_once_one_does(postgres: Database) -> None:
    """Each of them has read that it is free; a later step is free again."""
    enrol(postgres, PRIYA)
    with postgres.read() as session:
        seen = approvers.find(session, PRIYA)
    assert seen is not None
    for step in (7, 8):

        def use(_number: int, step: int = step) -> bool:
            with postgres.write() as session:
                return approvers.use_step(session, seen, step)

        assert sorted(at_once(8, use)) == [False] * 7 + [True]
    with postgres.write() as session:
        assert not approvers.use_step(session, seen, 6)
    assert rows(postgres, Approver)[0].last_step == 8


def test_eight_wrong_codes_at_once_are_counted_one_by_one(postgres: Database) -> None:
    """No two of them count as one, and exactly one of them locks."""
    enrol(postgres, PRIYA)
    with postgres.read() as session:
        seen = approvers.find(session, PRIYA)
    assert seen is not None

    def miss(_number: int) -> int:
        with postgres.write() as session:
            return approvers.count_wrong(session, seen, at=NOON)

    assert sorted(at_once(8, miss)) == [0, 0, 0, 0, 1, 2, 3, 4]
    assert [row.event for row in rows(postgres, AuditRow)].count("approver.locked") == 1


def test_a_secret_is_replaced_only_if_nobody_else_has(database: Database) -> None:
    """Two operators at once, or an enrolment in between, leave the newer one."""
    enrol(database, PRIYA)
    with database.write() as session:
        seen = approvers.find(session, PRIYA)
        assert seen is not None
        assert approvers.replace_secret(session, seen, "newer")
    with database.write() as session:
        stale = Approver(user=PRIYA, secret="sealed")
        assert not approvers.replace_secret(session, stale, "newest")
        assert [row.secret for row in approvers.everyone(session)] == ["newer"]

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bot.store.db import Database
from bot.store.money import reviews, soft_cap_alerts
from bot.store.schema import BudgetNotice, Message, MessageKind, now
from tests.support.factories import heard, new_turn, put, store

START = datetime(2026, 11, 22, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "scope": "channel",
    "holder": "C0HELP",
    "window_start": START,
    "resets_at": START + timedelta(days=1),
    "limit_nusd": 1_000,
    "spent_nusd": 800,
    "agent": "access",
}
DAY = "channel:C0HELP:2026-11-22"


def passed(database: Database, account: str = DAY, percent: int = 80, **changes: Any) -> bool:
    with database.write() as session:
        return soft_cap_alerts.passed(session, account=account, percent=percent, **(FACTS | changes))


def untold(database: Database) -> list[tuple[str, int]]:
    with database.read() as session:
        return [(notice.account, notice.percent) for notice in soft_cap_alerts.untold(session)]


def test_a_soft_cap_is_passed_once_in_its_window(database: Database) -> None:
    """The same account and percentage is one row, with what the first one saw; others are rows of their own."""
    assert passed(database)
    assert not passed(database, spent_nusd=900)
    assert passed(database, percent=90)
    assert passed(database, "channel:C0HELP:2026-11-23")
    assert untold(database) == [(DAY, 80), (DAY, 90), ("channel:C0HELP:2026-11-23", 80)]
    with database.read() as session:
        first = soft_cap_alerts.untold(session)[0]
        assert (first.spent_nusd, first.limit_nusd, first.agent, first.turn_id) == (800, 1_000, "access", None)


def test_of_threads_that_pass_it_at_once_one_is_the_first(database: Database) -> None:
    """However many see it in the same moment, one is told that it was new."""
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: passed(database), range(16))) == 1
    assert untold(database) == [(DAY, 80)]


def test_a_notice_is_told_once(database: Database) -> None:
    """The second to tell it is told that it is told."""
    passed(database)
    with database.write() as session:
        [notice] = soft_cap_alerts.untold(session)
        assert soft_cap_alerts.mark_told(session, notice.id)
    with database.write() as session:
        assert not soft_cap_alerts.mark_told(session, notice.id)
    assert untold(database) == []


def test_what_is_undone_is_not_told(database: Database) -> None:
    """Telling is part of the transaction that says it: when that fails, the notice is still owed."""
    passed(database)

    with pytest.raises(IntegrityError), database.write() as session:
        session.add(
            BudgetNotice(
                told_at=START if soft_cap_alerts.mark_told(session, soft_cap_alerts.untold(session)[0].id) else None
            )
        )
    assert untold(database) == [(DAY, 80)]


def test_what_reached_nobody_is_known_with_who_was_tried(database: Database) -> None:
    """Every message of it has failed; what is still owed, said, or over is left alone."""
    until: dict[str, Any] = {"resets_at": now() + timedelta(hours=1)}
    for percent in (50, 60, 70):
        passed(database, percent=percent, **until)
    passed(database, percent=80, resets_at=now())
    for notice, user, state in (
        (1, "U1", "failed"),
        (1, "U2", "failed"),
        (2, "U1", "failed"),
        (2, "U2", "stored"),
        (3, "U1", "posted"),
        (4, "U1", "failed"),
    ):
        number = store(
            database,
            f"{notice}:{user}",
            kind=MessageKind.SOFT_CAP_ALERT,
            lane=soft_cap_alerts.lane(notice),
            channel=user,
        )
        put(database, Message, number, state=state)
    with database.read() as session:
        assert [(notice.id, tried) for notice, tried in soft_cap_alerts.undelivered(session)] == [(1, {"U1", "U2"})]


def test_a_turn_knows_what_its_calls_have_passed(database: Database) -> None:
    """The footer of a reply is about the caps of its own turn, told or not."""
    mine, other = new_turn(database), new_turn(database, heard(2, thread_ts="2.0"))
    passed(database, turn_id=mine)
    passed(database, percent=90, turn_id=other)
    passed(database, "user:U1:2026-11-22", turn_id=mine)
    with database.write() as session:
        soft_cap_alerts.mark_told(session, soft_cap_alerts.untold(session)[0].id)
        found = [(notice.account, notice.percent) for notice in soft_cap_alerts.of_turn(session, mine)]
    assert found == [(DAY, 80), ("user:U1:2026-11-22", 80)]
    with database.read() as session:
        assert session.query(BudgetNotice).count() == 3


def test_a_soft_cap_can_be_due_until_somebody_is_told(database: Database) -> None:
    """The clock looks no further while nothing of any budget can be due."""

    def under_way() -> bool:
        with database.read() as session:
            return reviews.any_under_way(session)

    assert not under_way()
    passed(database)
    assert under_way()
    put(database, BudgetNotice, 1, told_at=now())
    assert not under_way()

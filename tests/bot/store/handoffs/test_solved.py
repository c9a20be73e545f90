"""What became of requests: `bot.store.handoffs.solved`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.store.db import Database
from bot.store.handoffs import solved
from bot.store.handoffs.handoff_metrics import Cohort
from bot.store.handoffs.solved import Requests
from bot.store.schema import Handoff, Ticket

NOW = datetime(2026, 11, 28, 11, tzinfo=UTC)
WEEK = Cohort(NOW - timedelta(days=7), NOW, NOW, "access")
WAITED: dict[str, Any] = {"opened_at": NOW, "waiting_since": NOW}
DONE: dict[str, Any] = {"state": "resolved", "resolved_at": NOW}


def add(database: Database, number: int, *, handed: bool = False, **changes: Any) -> None:
    """Put a ticket in the books."""
    of_one: dict[str, Any] = {"team": "T1", "channel": "C0HELP", "thread_ts": str(number), "private": False}
    of_one |= {"requester": "U0MAYA", "agent": "access", "created_at": NOW - timedelta(hours=1)}
    with database.write() as session:
        session.add(Ticket(id=number, **(of_one | changes)))
        session.flush()
        if handed:
            session.add(Handoff(ticket_id=number, reason="requested", summary="", queue_channel="C0Q", **WAITED))


def found(database: Database, cohort: Cohort = WEEK) -> Requests:
    """Count them."""
    with database.read() as session:
        return solved.requests(session, cohort)


def test_each_request_is_counted_once(database: Database) -> None:
    """Solved, with a person however it ended, or not confirmed; never what was withdrawn, refused or contradicted."""
    assert found(database) == Requests(0, 0, 0)
    tickets: tuple[dict[str, Any], ...] = (
        {**DONE, "category": "locked"},
        {**DONE, "category": None, "contradicted_at": NOW - timedelta(hours=1)},
        {**DONE, "category": "locked", "contradicted_at": NOW + timedelta(hours=1)},
        {"category": "password"},
        {},
        {**DONE, "handed": True},
        {"state": "handed_off", "handed": True},
        {"state": "resolved", "category": "withdrawn", "handed": True},
        {"state": "resolved", "category": "withdrawn"},
        {"state": "resolved", "category": "refused"},
        {**DONE, "created_at": NOW - timedelta(days=8)},
        {**DONE, "agent": "vpn"},
    )
    for number, changes in enumerate(tickets, 1):
        add(database, number, **changes)
    assert found(database) == Requests(solved=2, to_people=3, unconfirmed=3)
    assert found(database).all == 8
    assert found(database, Cohort(WEEK.since, WEEK.until, NOW)).solved == 3

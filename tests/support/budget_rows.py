"""Budgets as they are met: rows for the tests of what is said and done about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.store.db import Database
from bot.store.money import reviews, soft_cap_alerts
from bot.store.schema import BudgetNotice, BudgetReview, ReviewState, now

START = datetime(2026, 11, 22, tzinfo=UTC)
DAY: dict[str, Any] = {"window_start": START, "resets_at": START + timedelta(days=1)}
FACTS: dict[str, Any] = {
    "account": "channel:C0HELP:2026-11-22",
    "scope": "channel",
    "holder": "C0HELP",
    **DAY,
    "limit_nusd": 5_000_000_000,
    "spent_nusd": 4_970_000_000,
    "agent": "access",
}
MET: dict[str, Any] = {
    **FACTS,
    "held_nusd": 20_000_000,
    "needed_nusd": 46_100_000,
    "channel": "C0HELP",
    "user": "U0MAYA",
    "ticket_id": None,
    "turn_id": None,
}

DECIDED = {"decided_by": "U0OLIVIA", "why": "Month end."}
REVIEW_STATES: dict[str, dict[str, Any]] = {
    "open": {},
    "raised": {"raised_nusd": 1_250_000_000, **DECIDED},
    "denied": DECIDED,
    "ended": {},
    "changed": {},
}


def review(**changes: Any) -> BudgetReview:
    """Return a review that is in no database."""
    found: dict[str, Any] = {"id": 7, "state": "open", "raised_nusd": 0, "waiting": 0, "gone_on": 0} | MET | changes
    return BudgetReview(**found | {"state": ReviewState(found["state"])})


def notice(**changes: Any) -> BudgetNotice:
    """Return a notice that is in no database."""
    return BudgetNotice(**({"id": 3, "percent": 80, "turn_id": None} | FACTS | changes))


def today(account: str = "channel:C0HELP") -> dict[str, Any]:
    """Return an account in a window that is neither over nor far from its end."""
    start = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return {"account": f"{account}:{start:%Y-%m-%d}", "window_start": start, "resets_at": now() + timedelta(hours=1)}


def person(user: str) -> dict[str, Any]:
    """Return what is of somebody's own today."""
    return {**today(f"user:{user}"), "scope": "user", "holder": user}


def opened_review(database: Database, **changes: Any) -> int:
    """Open a review in a window that is not over, and return its number."""
    with database.write() as session:
        found = reviews.open_for(session, **(MET | today() | changes))
    assert found is not None
    return found


def passed(database: Database, **changes: Any) -> None:
    """Write down a soft cap that was passed in a window that is not over."""
    with database.write() as session:
        assert soft_cap_alerts.passed(session, **({"percent": 80, "turn_id": None} | FACTS | today() | changes))

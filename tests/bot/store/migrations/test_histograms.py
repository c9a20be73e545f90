"""What is added up of durations is kept when its form changes: revision `histograms_are_lists`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alembic import command
from sqlalchemy import JSON, column, select, table

from bot.store.db import Database
from bot.store.figures import figures
from bot.store.figures.dashboard import DashboardCohort, DashboardFigures
from bot.store.installation import revisions
from tests.support.dashboard_history import SPRING_FORWARD, dashboard_history
from tests.support.figure_folding import add_up

BEFORE, AFTER, TODAY = "0030", "0031", "head"
WEEK = DashboardCohort(SPRING_FORWARD, SPRING_FORWARD + timedelta(days=7))
COUNTS = table("figure_counts", *map(column, ("day", "agent", "events")), column("counts", JSON()))
DAYS = table("success_days", column("day"), column("counted_at"), column("counts", JSON()))
OLD: tuple[dict[str, Any], ...] = (
    {
        "outcome": {"reply": 7},
        "latency": {"1200": 1, "990": 2, "1000": 4, "7": 1},
        "handoff": {"budget": 3, "out_of_policy": 1},
        "to_claim": {"65000 budget": 3, "64000 budget": 1, "120 out_of_policy": 1},
        "to_resolve": {},
    },
    {"access": {"ends": {"settled solved": 2}, "to_answer": {"99": 1, "100": 1}, "to_resolution": {}}},
)
NEW: tuple[dict[str, Any], ...] = (
    {
        "outcome": {"reply": 7},
        "latency": {"": [7, 1, *[0] * 181, 2, 4, 0, 1]},
        "handoff": {"budget": 3, "out_of_policy": 1},
        "to_claim": {"budget": [334, 1, 3], "out_of_policy": [102, 1]},
        "to_resolve": {},
    },
    {"access": {"ends": {"settled solved": 2}, "to_answer": [99, 1, 1], "to_resolution": [0]}},
)


def go_to(database: Database, revision: str) -> None:
    """Migrate, up or down."""
    with database.engine.connect() as connection:
        move = command.downgrade if revision == BEFORE else command.upgrade
        move(revisions._config(connection), revision)
        connection.commit()


def stored(database: Database) -> tuple[Any, ...]:
    """Return the counts of both tables."""
    with database.read() as session:
        return session.execute(select(COUNTS.c.counts)).scalar_one(), session.execute(
            select(DAYS.c.counts)
        ).scalar_one()


def test_counts_by_milliseconds_become_lists_and_back(database: Database) -> None:
    """Each duration in its cell, with as many as there were; what has no durations stays as it is."""
    go_to(database, BEFORE)
    with database.write() as session:
        counts = {"day": "2026-03-26", "agent": "access", "events": "closings", "counts": OLD[0]}
        session.execute(COUNTS.insert().values(counts))
        session.execute(DAYS.insert().values(day="2026-03-26", counted_at="2026-03-27 00:00:00+00", counts=OLD[1]))
    go_to(database, AFTER)
    assert stored(database) == NEW
    go_to(database, BEFORE)
    assert stored(database) == OLD
    go_to(database, TODAY)  # the next test finds the tables of today


def test_the_figures_stay(database: Database) -> None:
    """Those of a random week that was added up are the same after the way down and up again."""
    dashboard_history(9, turns=60).write(database)
    add_up(database, WEEK.until + timedelta(days=3))

    def shown() -> DashboardFigures:
        with database.read() as session:
            return replace(figures.read(session, WEEK), releases=())

    before = shown()
    assert before.total.latency_p95_ms is not None
    assert before.handoffs.to_claim.count > 0
    go_to(database, BEFORE)
    go_to(database, TODAY)
    assert shown() == before

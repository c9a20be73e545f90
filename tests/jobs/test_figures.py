"""The clock adds up the dashboard's figures: `jobs.figures`."""

from datetime import timedelta

import pytest

from bot.store.figures import figures
from bot.store.figures.dashboard import DashboardFigures
from bot.store.schema import FigureCounts, FigureDay, SuccessDay
from jobs import clock
from jobs import figures as round_of_figures
from jobs.process import WorkerContext
from tests.support.dashboard_history import SPRING_FORWARD, dashboard_history
from tests.support.factories import Clock, everything, rows


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be some days after the history."""
    return Clock(SPRING_FORWARD + timedelta(days=6, hours=10)).rule(monkeypatch)


def shown(ctx: WorkerContext) -> DashboardFigures:
    """Return the figures of the history."""
    with ctx.database.read() as session:
        return figures.read(session, figures.last_days(9, at=SPRING_FORWARD + timedelta(days=6)))


@pytest.mark.usefixtures("today")
def test_what_is_final_is_added_up(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """In rounds that end when their time is over: none of them changes a figure, and the last has nothing to do."""
    dashboard_history(6, turns=30, days=3).write(ctx.database)
    before, stored, rounds = shown(ctx), None, 0
    monkeypatch.setattr(round_of_figures, "SECONDS", 0.2)
    while stored != (stored := everything(ctx.database)):
        round_of_figures.add_up(ctx)
        rounds += 1
    assert rounds > 1
    assert shown(ctx) == before
    assert min(row.counted_until for row in rows(ctx.database, FigureDay)) > SPRING_FORWARD
    assert {row.agent for row in rows(ctx.database, FigureCounts)} == {"access", "vpn", "gone"}


@pytest.mark.usefixtures("today")
def test_each_day_of_requests_is_counted(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first to today, and not again as long as none is due."""
    monkeypatch.setattr(round_of_figures, "SECONDS", 60.0)
    dashboard_history(6, turns=30, days=3).write(ctx.database)
    round_of_figures.count_success(ctx)
    days = [row.day for row in rows(ctx.database, SuccessDay)]
    assert days[-1] == "2026-04-01"
    assert len(days) > 4
    first = rows(ctx.database, SuccessDay)
    round_of_figures.count_success(ctx)
    assert [row.counted_at for row in rows(ctx.database, SuccessDay)] == [row.counted_at for row in first]


def test_both_are_rounds_of_the_clock() -> None:
    """Nobody has to start them, and what is due every two minutes is looked for more often."""
    assert clock.ROUNDS[round_of_figures.add_up] <= 60
    assert clock.ROUNDS[round_of_figures.count_success] <= 60

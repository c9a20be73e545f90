"""Adding up changes no figure, however it is interrupted: `bot.store.figures.folding`."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from bot import durations
from bot.store.db import Database
from bot.store.figures import figures, folding
from bot.store.figures.counts import Counted
from bot.store.figures.dashboard import DashboardCohort, DashboardFigures
from bot.store.figures.day_counts import Span
from bot.store.schema import (
    Base,
    CountedEvents,
    Feedback,
    FigureCounts,
    FigureDay,
    Handoff,
    HandoffMove,
    HandoffState,
    LedgerRow,
    LedgerState,
    Step,
    Ticket,
    Turn,
)
from bot.store.tickets import feedback, recounts, turns
from tests.support.dashboard_history import SPRING_FORWARD, dashboard_history
from tests.support.factories import everything, in_rounds, plans, rows
from tests.support.figure_folding import add_piece, add_up, counted_piece

WEEK = DashboardCohort(SPRING_FORWARD, SPRING_FORWARD + timedelta(days=7))
LATER = WEEK.until + timedelta(days=3)
"When every turn of the week has ended and every handoff that ends is closed."
SETTLE = timedelta(seconds=durations.FIGURES_SETTLE)
COHORTS = (
    WEEK,
    replace(WEEK, agent="access"),
    replace(WEEK, agent="gone"),
    replace(WEEK, among=("access", "vpn")),
    replace(WEEK, since=SPRING_FORWARD + timedelta(days=3), until=SPRING_FORWARD + timedelta(days=4)),
)


def shown(database: Database) -> list[DashboardFigures]:
    """Return the figures of each cohort, but for the age of verdicts, which grows."""
    with database.read() as session:
        return [replace(figures.read(session, cohort), releases=()) for cohort in COHORTS]


def small_pieces(patch: pytest.MonkeyPatch) -> None:
    """Let few events be one piece, so that a day is added up in several."""
    patch.setattr(folding, "FEW", 5)
    patch.setattr(folding, "PIECE", timedelta(hours=12))


@pytest.fixture
def history(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Return a database with a random week, of which few events are one piece."""
    small_pieces(monkeypatch)
    dashboard_history(3, turns=90).write(database)
    return database


@pytest.fixture(scope="module")
def added_rows() -> dict[str, dict[type[Base], list[dict[str, Any]]]]:
    """Hold, by kind of database, what adding up the week has written there: it is added up once for all tests."""
    return {}


@pytest.fixture
def added(history: Database, added_rows: dict[str, dict[type[Base], list[dict[str, Any]]]]) -> Database:
    """Return that database when everything is added up."""
    kind = history.engine.dialect.name
    if kind not in added_rows:
        add_up(history, LATER)
        stored = everything(history)
        added_rows[kind] = {table: stored[table.__tablename__] for table in (FigureDay, FigureCounts)}
        return history
    with history.write() as session:
        for table, written in added_rows[kind].items():
            session.execute(insert(table), written)
    return history


def test_every_figure_is_the_same_before_and_after(history: Database) -> None:
    """For each cohort, while the pieces are added and when all are, on a day on which clocks change too."""
    before = shown(history)
    assert before[0].total.requests > 70
    while add_up(history, LATER, most=25):
        assert shown(history) == before
    assert shown(history) == before


def test_what_is_added_up_is_not_read_again(history: Database) -> None:
    """When the rows are gone, the figures are the same; only open handoffs are always read."""
    before = shown(history)
    add_up(history, LATER)
    with history.write() as session:
        session.execute(delete(HandoffMove))
        closed = select(Handoff.id).where(Handoff.closed_at.is_not(None))
        session.execute(delete(Handoff).where(Handoff.id.in_(closed)))
        for table in (Step, LedgerRow, Feedback):
            session.execute(delete(table))
        session.execute(update(Turn).values(finished_at=None))
        session.execute(update(Ticket).values(created_at=WEEK.until))
    after = shown(history)
    for old, new in zip(before, after, strict=True):
        assert (new.days, new.total, new.tools, new.outputs) == (old.days, old.total, old.tools, old.outputs)
        assert new.handoffs.handoffs == old.handoffs.handoffs
        assert new.handoffs.to_resolve == old.handoffs.to_resolve


def test_a_piece_is_added_once(history: Database) -> None:
    """Counted by two clocks, or handed over again after a crash: the second time nothing is written."""
    piece, again = counted_piece(history, LATER), counted_piece(history, LATER)
    assert piece is not None
    assert again is not None
    assert (add_piece(history, piece), add_piece(history, again), add_piece(history, piece)) == (True, False, False)


def test_a_crash_in_the_middle_of_adding_leaves_nothing(history: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before it is rolled back; the next clock adds the same piece."""
    before = shown(history)
    while (piece := counted_piece(history, LATER)) is not None and not piece.counts:
        add_piece(history, piece)
    assert piece is not None
    stored = everything(history)

    def crash(*_: Any) -> dict[str, Any]:
        raise RuntimeError("the process was killed")

    with monkeypatch.context() as patch:
        patch.setattr(folding, "_together", crash)
        with pytest.raises(RuntimeError, match="killed"):
            add_piece(history, piece)
    assert everything(history) == stored
    add_up(history, LATER)
    assert shown(history) == before


def test_clocks_that_add_at_once_count_nothing_twice(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four clocks on PostgreSQL, each always counting the piece that the others may be adding."""
    small_pieces(monkeypatch)
    dashboard_history(4, turns=90).write(postgres)
    before = shown(postgres)
    added = in_rounds(4, range(30), lambda _clock, _round: add_one(postgres))
    pieces = sum(map(sum, added)) + len(add_up(postgres, LATER))
    assert any(clocks.count(False) == 3 for clocks in added), "the clocks never met"
    assert pieces == sum(row.version for row in rows(postgres, FigureDay))
    assert shown(postgres) == before


def add_one(database: Database) -> bool:
    """Add the next piece, and return whether no other clock was faster."""
    piece = counted_piece(database, LATER)
    return piece is not None and add_piece(database, piece)


def test_clocks_that_add_to_the_same_day_wait_for_each_other(postgres: Database) -> None:
    """Handoffs of one day that were closed on two days: both are added, in whichever order."""
    history = dashboard_history(5, turns=1)
    history.agents = ("access",)
    opened = WEEK.since + timedelta(hours=9)
    for days in (1, 2):
        history.handoff(history.ticket(opened), opened)
        history.rows[Handoff][-1] |= {"opened_at": opened, "state": "resolved", "closed_at": opened}
        history.rows[Handoff][-1]["closed_at"] += timedelta(days=days)
    history.write(postgres)
    before = shown(postgres)
    add_up(postgres, WEEK.since)
    later = counted_piece_of(postgres, CountedEvents.CLOSINGS, "2026-03-28")
    sooner = counted_piece_of(postgres, CountedEvents.CLOSINGS, "2026-03-27")
    with ThreadPoolExecutor(1) as other:
        with postgres.write() as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            assert folding.add(session, later)
            second = other.submit(add_piece, postgres, sooner)
            wait_until_blocked(postgres)
        assert second.result(timeout=60)
    add_up(postgres, LATER)
    assert shown(postgres) == before


def wait_until_blocked(database: Database) -> None:
    """Wait until a transaction waits for another one."""
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(600):
        with database.read() as session:
            if session.scalar(blocked):
                return
        time.sleep(0.05)
    raise AssertionError("nothing waits")


def counted_piece_of(database: Database, events: CountedEvents, day: str) -> folding.Piece:
    """Return what happened on a day of which nothing is added yet, counted."""
    with database.read() as session:
        since = recounts.start_of(day)
        span = Span(since, since + timedelta(days=1))
        counts = folding._count(session, events, span)
    return folding.Piece(events, day, span, 0, counts)


def test_what_may_still_change_waits(history: Database) -> None:
    """Nothing of the last ten minutes is added, and nothing since a model call left whose cost is not known yet."""
    noon = WEEK.since + timedelta(days=5, hours=12)
    add_up(history, noon + SETTLE - timedelta(seconds=1))
    reached = {row.counted_until for row in rows(history, FigureDay) if row.day == "2026-03-31"}
    assert reached == {noon - timedelta(hours=1)}
    with history.write() as session:
        left = update(LedgerRow).where(LedgerRow.at >= noon + timedelta(hours=3)).values(state="sent")
        first = session.scalars(left.returning(LedgerRow.at)).all()
    before = shown(history)
    add_up(history, LATER)
    activity = [row for row in rows(history, FigureDay) if row.events == "activity"]
    assert max(row.counted_until for row in activity) <= min(first)
    assert shown(history) == before


def test_what_is_settled_late_is_counted(history: Database) -> None:
    """A call that left before a clock was down for a week is charged after it: its cost is in the figures."""
    with history.write() as session:
        first = session.scalars(select(LedgerRow).order_by(LedgerRow.at).limit(1)).one()
        first.state, first.cost_nusd = LedgerState.SENT, 0
    add_up(history, LATER)
    before = shown(history)[0].total.cost_nusd + shown(history)[0].total.evaluation_cost_nusd
    with history.write() as session:
        session.execute(
            update(LedgerRow).where(LedgerRow.rid == first.rid).values(state="charged", cost_nusd=12_345_678)
        )
    add_up(history, LATER)
    after = shown(history)[0].total
    assert after.cost_nusd + after.evaluation_cost_nusd == before + 12_345_678


def test_a_handoff_that_is_closed_late_is_counted_on_its_day(added: Database) -> None:
    """Weeks after the day on which it was opened was added up: its times are there, and it is counted once."""
    with added.write() as session:
        handoff = session.scalars(select(Handoff).where(Handoff.closed_at.is_(None)).limit(1)).one()
        handoff.state, handoff.closed_at = HandoffState.RESOLVED, LATER + timedelta(days=20)
    closed, [whole, *_] = shown(added), shown(added)
    assert add_up(added, LATER + timedelta(days=21)) != []
    assert shown(added) == closed
    assert whole.handoffs.handoffs == len([one for one in rows(added, Handoff) if one.opened_at < WEEK.until])


def thumbs_of(database: Database, cohort: DashboardCohort) -> tuple[int, int]:
    """Return the thumbs up and down of a cohort."""
    with database.read() as session:
        total = figures.read(session, cohort).total
    return total.thumbs_up, total.thumbs_down


def _today(session: Session, thumb: Feedback) -> None:
    feedback.store_thumb(session, thumb.turn_id, user=thumb.user, good=False)


def _before_revision_0025(session: Session, thumb: Feedback) -> None:
    """Change a thumb as versions did that knew nothing of days that are added up."""
    session.execute(update(Feedback).where(Feedback.id == thumb.id).values(good=False, at=LATER + timedelta(days=3)))


VERSIONS = pytest.mark.parametrize("change", [_today, _before_revision_0025])
Change = Callable[[Session, Feedback], None]


def change_thumb(session: Session, change: Change) -> str:
    """Let somebody who found an answer helpful in the week say now that it was not; return the day of the week."""
    thumb = session.scalars(select(Feedback).where(Feedback.good, Feedback.at < WEEK.until).limit(1)).one()
    day = thumb.at.date().isoformat()
    change(session, thumb)
    session.flush()
    return day


@VERSIONS
def test_a_thumb_that_is_changed_later_counts_where_it_is_now(
    added: Database, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """The day on which somebody thought otherwise has one less, whichever version changes it, at once and later."""
    later = LATER + timedelta(days=3)
    monkeypatch.setattr(feedback, "now", lambda: later)  # or every day until ours would be added up
    today = figures.last_days(2, at=later)
    up, down = thumbs_of(added, WEEK)
    assert thumbs_of(added, today) == (0, 0)
    with added.write() as session:
        day = change_thumb(session, change)
    assert (thumbs_of(added, WEEK), thumbs_of(added, today)) == ((up - 1, down), (0, 1))
    assert [piece.day for piece in add_up(added, later + timedelta(hours=2))][-1] == day
    assert (thumbs_of(added, WEEK), thumbs_of(added, today)) == ((up - 1, down), (0, 1))


@VERSIONS
def test_a_thumb_that_changes_while_a_clock_counts_its_day_is_counted_once(postgres: Database, change: Change) -> None:
    """What was counted before the change waits until that is committed, and is not added: it is of an older version."""
    dashboard_history(3, turns=90).write(postgres)
    before = thumbs_of(postgres, WEEK)
    with ThreadPoolExecutor(1) as clock:
        with postgres.write() as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            day = change_thumb(session, change)
            counted = counted_piece_of(postgres, CountedEvents.THUMBS, day)
            assert any(one.of(Counted.THUMB) for one in counted.counts.values())
            added = clock.submit(add_piece, postgres, counted)
            wait_until_blocked(postgres)
        assert added.result(timeout=60) is False
    add_up(postgres, LATER)
    assert thumbs_of(postgres, WEEK) == (before[0] - 1, before[1])


def test_an_old_window_reads_few_handoffs(sqlite: Database) -> None:
    """SQLite finds those that were closed lately, those that are open and their first claims by their indexes.

    PostgreSQL goes by how large its tables are, so that its plan for those of a test says nothing.
    """
    dashboard_history(3, turns=90).write(sqlite)
    by_text = plans(sqlite, lambda session: figures.read(session, WEEK))
    [plan] = [plan for statement, plan in by_text.items() if "FROM handoffs" in statement]
    assert plan.count("ix_handoffs_closed_at") == 2, plan
    assert "ix_handoffs_opened_at" not in plan
    assert "COVERING INDEX ix_handoff_moves_handoff_id" in plan


def test_pieces_are_small(history: Database) -> None:
    """A clock that was down for a week, and an installation that is added up for the first time, go in small steps."""
    for piece in add_up(history, LATER):
        turns_ended = sum(sum(counts.of(Counted.OUTCOME).values()) for counts in piece.counts.values())
        assert turns_ended <= folding.FEW or piece.span.until - piece.span.since == folding.PIECE
        assert piece.span.until - piece.span.since <= timedelta(days=1)


def test_the_newest_days_are_added_first(history: Database) -> None:
    """The days that are looked at most are quick first."""
    days = [piece.day for piece in add_up(history, LATER) if piece.events == "activity"]
    assert days == sorted(days, reverse=True)
    assert len(set(days)) > 7


def test_days_can_be_counted_anew(added: Database) -> None:
    """A demo moves turns and their calls back: both days are right at once, and after they are added up again."""
    with added.write() as session:
        moved = session.scalars(select(Turn.id).where(Turn.finished_at >= WEEK.until - timedelta(days=1))).all()
        turns.backdate(session, moved, timedelta(days=5))
        folding.start_over(session, [day for day in WEEK.days if day.day in (27, 28, 1)])
    moved_away = shown(added)
    with added.write() as session:
        session.execute(delete(FigureCounts))
        session.execute(delete(FigureDay))
    assert shown(added) == moved_away
    add_up(added, LATER)
    assert shown(added) == moved_away


def test_who_has_counted_before_a_day_is_begun_anew_adds_nothing(history: Database) -> None:
    """Even the first piece of a day, which is of no version that was ever stored."""
    piece = counted_piece(history, LATER)
    assert piece is not None
    with history.write() as session:
        folding.start_over(session, [recounts.start_of(piece.day).date()])
    assert add_piece(history, piece) is False


def test_the_total_is_that_of_the_days(added: Database) -> None:
    """When everything is added up, the counts of all days are those of the whole."""
    whole = shown(added)[0]
    for name, total in asdict(whole.total).items():
        if not name.startswith("latency"):
            assert total == sum(getattr(one.volume, name) for one in whole.days), name

"""Lets the events of a day be counted anew for the dashboard, because one that may be added up has changed.

Invariant: the change and the request for a recount are committed together. What a clock has counted of the day before
is of an older version then, and is never added (`bot.store.figures.folding`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import CountedEvents, FigureCounts, FigureDay


def request(session: Session, events: CountedEvents, days: Iterable[str]) -> None:
    """Forget what is added up of some UTC days (`2026-11-22`); the clock adds them up again, and pages read the rows.

    Args:
        session: the transaction that changes the events.
        events: which events; not closings, as several days share their counts.
        days: the days on which the events had happened, and those on which they happen now.
    """
    one_at_a_time(session)
    for day in sorted(set(days)):
        version = select(FigureDay.version).where(FigureDay.day == day, FigureDay.events == events)
        newer = (session.scalars(version).one_or_none() or 0) + 1
        db.upsert(session, FigureDay, day=day, events=events, counted_until=start_of(day), version=newer)
        session.execute(delete(FigureCounts).where(FigureCounts.day == day, FigureCounts.events == events))


def one_at_a_time(session: Session) -> None:
    """Let one transaction at a time change the counts: several days may add to the same one. SQLite has one writer."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE figure_counts IN SHARE ROW EXCLUSIVE MODE"))


def start_of(day: str) -> datetime:
    """Return the first moment of a UTC day."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)

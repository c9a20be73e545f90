"""Adds up what the dashboard counts, piece by piece, and reads what is added up.

What can no longer change is added once to the counts of a day (`FigureCounts`); what is newer, or not added yet, is
counted from the rows themselves, through an index on its time. Turns, tickets and model calls are added to the day on
which they ended, were opened or left. A handoff is added when it is closed, to the day on which it was opened; those
that are not closed are always counted from the rows. A thumb is added to the day on which it was given; who changes it
has that day counted anew (`bot.store.tickets.recounts`).

Invariant: each event is either in the counts or after `counted_until` of its day. A piece is counted in a reading
transaction and added in a short writing one, only if its day is still at the version that was read: of two clocks one
adds it, and what a crash interrupts is not added at all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, cast, delete, func, literal, null, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import durations
from bot.store import db
from bot.store.figures import day_counts, handoff_counts
from bot.store.figures.counts import Counts, StoredCounts
from bot.store.figures.dashboard import DAY, midnight
from bot.store.figures.day_counts import Agents, ByDayAndAgent, Span
from bot.store.schema import (
    CountedEvents,
    Feedback,
    FigureCounts,
    FigureDay,
    Handoff,
    LedgerRow,
    LedgerState,
    SuccessDay,
    Turn,
    UtcDateTime,
)
from bot.store.tickets import recounts

DayAgentCounts = tuple[str, str, StoredCounts]
"A UTC day, as `2026-11-22`, an agent, and what is counted of both."

PIECE = timedelta(hours=1)
"The time that one piece covers on a day with many events."
FEW = 5_000
"So many events are one piece, whatever time they cover."
_HAPPENED: dict[CountedEvents, InstrumentedAttribute[datetime | None]] = {
    CountedEvents.ACTIVITY: Turn.finished_at,
    CountedEvents.CLOSINGS: Handoff.closed_at,
    CountedEvents.THUMBS: Feedback.at,
}
"The indexed time by which the first event and the number of events are found."


@dataclass(frozen=True, slots=True)
class Piece:
    """What happened in a part of a day, counted, and the version of the day that it may be added to."""

    events: CountedEvents
    day: str
    span: Span
    version: int
    counts: ByDayAndAgent


@dataclass(frozen=True, slots=True)
class CountedDays:
    """What is counted of some days."""

    parts: Sequence[DayAgentCounts]
    "There may be several of one day and agent, to be summed up."
    handoffs: StoredCounts
    "The handoffs that are not added up, of all these days and agents together: they are not shown by day."


@dataclass(frozen=True, slots=True)
class Added:
    """What is added up for some days, and when that happened which is not."""

    counts: Sequence[DayAgentCounts]
    missing: Mapping[CountedEvents, Sequence[Span]]


def next_piece(session: Session, *, at: datetime) -> Piece | None:
    """Return the newest piece that can be added, counted; None: everything that is final is added.

    Args:
        session: a transaction that reads at one moment (`bot.store.money.spending.at_one_moment`).
        at: the time now.
    """
    for events in CountedEvents:
        found = _newest_missing(session, events, _final_until(session, events, at))
        if found is not None:
            day, span, version = found
            return Piece(events, day, span, version, _count(session, events, span))
    return None


def add(session: Session, piece: Piece) -> bool:
    """Add a piece to the counts; False: its day has changed since the piece was counted, and nothing is written."""
    recounts.one_at_a_time(session)
    unchanged = FigureDay.version == piece.version
    values: dict[str, Any] = {
        "day": piece.day,
        "events": piece.events,
        "counted_until": piece.span.until,
        "version": piece.version + 1,
    }
    if not db.upsert(session, FigureDay, unchanged, **values):
        return False
    for (day, agent), counts in piece.counts.items():
        key: dict[str, Any] = {"day": day, "agent": agent, "events": piece.events}
        before = session.scalars(select(FigureCounts.counts).filter_by(**key)).one_or_none()
        db.upsert(session, FigureCounts, **key, counts=_together(before, counts))
    return True


def start_over(session: Session, days: Iterable[date]) -> None:
    """Count these days anew, because a demo has moved turns and model calls there, or written some down there."""
    names = [one.isoformat() for one in days]
    recounts.request(session, CountedEvents.ACTIVITY, names)
    session.execute(delete(SuccessDay).where(SuccessDay.day.in_(names)))


def read(session: Session, days: Span, agents: Agents, *, at: datetime) -> CountedDays:
    """Return what is counted of some days.

    Args:
        session: the open transaction.
        days: the days.
        agents: the agents; None: all.
        at: the time now.
    """
    added = _added(session, days, agents, at)
    missing, parts = added.missing, list(added.counts)
    activity = day_counts.counted(session, missing[CountedEvents.ACTIVITY])
    thumbs = day_counts.thumbs(session, missing[CountedEvents.THUMBS])
    for found in (activity, thumbs):
        # A database that is asked for some agents may read all their tickets first.
        parts += [(day, name, of.stored) for (day, name), of in found.items() if agents is None or name in agents]
    handoffs = handoff_counts.not_added(session, missing[CountedEvents.CLOSINGS], opened=days, agents=agents)
    return CountedDays(parts, handoffs.stored)


def _count(session: Session, events: CountedEvents, span: Span) -> ByDayAndAgent:
    match events:
        case CountedEvents.ACTIVITY:
            return day_counts.counted(session, [span])
        case CountedEvents.CLOSINGS:
            return handoff_counts.closed(session, span)
        case CountedEvents.THUMBS:
            return day_counts.thumbs(session, [span])


def _final_until(session: Session, events: CountedEvents, at: datetime) -> datetime:
    """Return before which time no event changes any more, and none can still be committed."""
    final = at - timedelta(seconds=durations.FIGURES_SETTLE)
    if events is not CountedEvents.ACTIVITY:
        return final
    # OFFSET: the least time of a few rows, instead of the first few among all rows in the order of their time.
    under_way = select(LedgerRow.at).where(LedgerRow.state == LedgerState.SENT).offset(0).subquery()
    return min(final, session.scalar(select(func.min(under_way.c.at))) or final)


def _newest_missing(session: Session, events: CountedEvents, final: datetime) -> tuple[str, Span, int] | None:
    """Return the newest day with something to add, when that happened, and the version of the day."""
    time = _HAPPENED[events]
    first = session.scalar(select(func.min(time)))
    if first is None:
        return None
    days = session.execute(select(FigureDay).where(FigureDay.events == events)).scalars()
    known = {row.day: (row.counted_until, row.version) for row in days}
    start, last = midnight(final), final.replace(minute=0, second=0, microsecond=0)
    while start + DAY > first:
        day = start.date().isoformat()
        since, version = known.get(day, (start, 0))
        until = min(start + DAY, last)
        if since < until:
            happened = select(literal(1)).where(time >= since, time < until).limit(FEW + 1).subquery()
            many = (session.scalar(select(func.count()).select_from(happened)) or 0) > FEW
            return day, Span(since, min(until, since + PIECE) if many else until), version
        start -= DAY
    return None


def _added(session: Session, days: Span, agents: Agents, at: datetime) -> Added:
    """Return what is added up for some days.

    Counts and `counted_until` are read by one statement, so that both are of the same moment.
    """
    first, last = days.since.date().isoformat(), days.until.date().isoformat()
    counts = select(FigureCounts.day, FigureCounts.agent, FigureCounts.counts, null(), cast(null(), UtcDateTime()))
    counts = counts.where(FigureCounts.day >= first, FigureCounts.day < last)
    if agents is not None:
        counts = counts.where(FigureCounts.agent.in_(agents))
    progress = select(FigureDay.day, null(), cast(null(), JSON()), FigureDay.events, FigureDay.counted_until)
    # A handoff that was opened on these days may be closed on any later one.
    progress = progress.where(
        FigureDay.day >= first, or_(FigureDay.day < last, FigureDay.events == CountedEvents.CLOSINGS)
    )
    found: list[DayAgentCounts] = []
    reached: dict[CountedEvents, dict[str, datetime]] = {events: {} for events in CountedEvents}
    for day, name, body, events, counted_until in session.execute(union_all(counts, progress)):
        if name is None:
            reached[CountedEvents(events)][day] = counted_until
        else:
            found.append((day, name, body))
    until = dict.fromkeys(CountedEvents, days.until)
    until[CountedEvents.CLOSINGS] = midnight(at) + 2 * DAY  # a clock may be ahead of ours
    return Added(found, {one: tuple(_missing(reached[one], days.since, until[one])) for one in CountedEvents})


def _missing(counted: dict[str, datetime], since: datetime, until: datetime) -> Iterator[Span]:
    """Yield the times of each day that are not counted, as few spans as possible."""
    begun: datetime | None = None
    while since < until:
        reached = counted.get(since.date().isoformat(), since)
        if begun is not None and reached > since:
            yield Span(begun, since)
            begun = None
        if begun is None and reached < since + DAY:
            begun = reached
        since += DAY
    if begun is not None:
        yield Span(begun, until)


def _together(stored: StoredCounts | None, more: Counts) -> StoredCounts:
    """Return stored counts with more of them."""
    counts = Counts()
    for one in (stored or {}, more.stored):
        counts.add(one)
    return counts.stored

"""The success criterion by UTC day, counted by the clock, because a page cannot read a million requests.

A row of `SuccessDay` says what had become, by `counted_at`, of the requests that were opened on its day: what
`bot.store.figures.success` says for that time, with durations to two significant digits (`histograms`). A later count
takes the place of an earlier one as a whole, so that nothing is counted twice: not by two clocks at once, nor after a
crash. A day may be counted anew whenever something may have changed; `due` says when that is:

- today and yesterday every two minutes, and the week before them every ten minutes;
- an older day when a turn, a handoff or a thumb of one of its requests has changed within the last hour;
- each day once in 24 hours in any case, which covers what a clock has missed, and a new rate in a card.

A day that was never counted is counted when it is read, and so is one that is long overdue: the clock is down then.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.figures import counts, day_counts, histograms, verdicts
from bot.store.figures.dashboard import DAY, midnight
from bot.store.figures.histograms import Histogram
from bot.store.figures.success import TIMES, Requests, Success
from bot.store.figures.verdicts import ENDS
from bot.store.handoffs.handoff_metrics import Cohort
from bot.store.money.ticket_costs import TicketCosts
from bot.store.schema import Feedback, Handoff, SuccessDay, Ticket, Turn
from bot.store.sql.dialects import UtcDate

StoredRequests = Mapping[str, Any]
'Requests as JSON: `{"ends": {"settled solved": 3}, "to_answer": [210, 1, 0, 2]}`.'

AGAIN_AFTER = ((1, timedelta(minutes=2)), (8, timedelta(minutes=10)))
"A day that is at most so many days ago is counted again after this time."
AT_LEAST = timedelta(hours=24)
"Each day is counted again after this time."
OVERDUE = 6
"A count that is so many times as old as that counts no more."
LOOKS_BACK = timedelta(hours=1)
"How long a change of an older request is looked for."
COMMITTED = timedelta(minutes=1)
"A change is committed this long after the time that it carries."
COSTS = ("tickets", "ai_nusd", "claimed_ms", "priced_nusd", "unpriced")
FIGURES = ("ends", "costs", "resolved")


def _no_figures() -> dict[str, dict[str, int]]:
    return {name: {} for name in FIGURES}


def _no_times() -> dict[str, Histogram]:
    return {name: Histogram() for name in TIMES}


@dataclass(slots=True)
class RequestCounts:
    """What had become of some requests."""

    figures: dict[str, dict[str, int]] = field(default_factory=_no_figures)
    "Their ends, the costs of all and those of the resolved ones; each figure by its name."
    times: dict[str, Histogram] = field(default_factory=_no_times)

    def add(self, more: StoredRequests) -> None:
        """Add requests that were stored."""
        for name, figures in self.figures.items():
            counts.put_together(figures, more.get(name, {}))
        for name, histogram in self.times.items():
            first, *durations = more[name]
            histogram.add(first, durations)

    @property
    def stored(self) -> StoredRequests:
        """Return them as they are stored."""
        return {**self.figures, **{name: one.stored for name, one in self.times.items()}}


ByAgent = dict[str, RequestCounts]


@dataclass(frozen=True, slots=True)
class CountedSuccess:
    """The success criterion of some days, as the clock has counted it."""

    total: Success
    days: tuple[Success, ...]
    "Each day on which a request was opened, in order."
    counted_at: datetime
    "When the day that was counted first was counted: everything until then is in these figures."


def due(session: Session, *, at: datetime) -> tuple[date, ...]:
    """Return the days that are to be counted now, the newest first."""
    first = _first_ticket(session)
    if first is None:
        return ()
    counted = {row.day: row.counted_at for row in session.execute(select(SuccessDay.day, SuccessDay.counted_at))}
    changed = _changed(session, since=at - LOOKS_BACK)
    found, day = [], midnight(at)
    while day + DAY > first:
        name = day.date().isoformat()
        before, change = counted.get(name), changed.get(name)
        if (
            before is None
            or before <= at - _again_after(day, at)
            or (change is not None and before < change + COMMITTED)
        ):
            found.append(day.date())
        day -= DAY
    return tuple(found)


def count(session: Session, day: date, *, at: datetime, rates: Mapping[str, int]) -> ByAgent:
    """Return what has become by now of the requests of a day, by agent.

    Args:
        session: a transaction that reads at one moment (`bot.store.money.spending.at_one_moment`).
        day: the UTC day on which they were opened.
        at: the time now.
        rates: what an hour of people costs (nano-USD), by agent.
    """
    since = _start(day.isoformat())
    # The index on the opening of tickets begins with the agent: without one, SQLite would read every ticket.
    agents = tuple(day_counts.with_tickets(session))
    return _counted(session, Cohort(since, since + DAY, at, rates=rates, among=agents)).get(day.isoformat(), {})


def keep(session: Session, day: date, found: ByAgent, *, at: datetime) -> bool:
    """Store the count of a day in place of an earlier one; False: a later one is stored."""
    stored = {agent: requests.stored for agent, requests in found.items()}
    earlier = SuccessDay.counted_at < at
    return db.upsert(session, SuccessDay, earlier, day=day.isoformat(), counted_at=at, counts=stored)


def read(session: Session, cohort: Cohort) -> CountedSuccess:
    """Return the success criterion over whole UTC days, as it was counted last.

    Args:
        session: the open transaction.
        cohort: the days and agents; `at` and `rates` are those for days that were never counted.
    """
    first, last = (one.date().isoformat() for one in (cohort.since, cohort.until))
    rows = session.execute(select(SuccessDay).where(SuccessDay.day >= first, SuccessDay.day < last)).scalars().all()
    oldest = {row.day: cohort.at - OVERDUE * _again_after(_start(row.day), cohort.at) for row in rows}
    kept = {row.day: row for row in rows if row.counted_at > oldest[row.day]}
    by_day: dict[str, Mapping[str, StoredRequests]] = {day: row.counts for day, row in kept.items()}
    for since, until in _never_counted(kept.keys(), cohort):
        for day, found in _counted(session, replace(cohort, since=since, until=until)).items():
            by_day[day] = {agent: requests.stored for agent, requests in found.items()}
    whole = RequestCounts()
    days = []
    for day in sorted(by_day):
        of_day = RequestCounts()
        for requests in (one for name, one in by_day[day].items() if cohort.named is None or name in cohort.named):
            of_day.add(requests)
            whole.add(requests)
        if of_day.figures["ends"]:
            days.append(_success(of_day, date.fromisoformat(day), cohort.agent))
    counted_at = min((row.counted_at for row in kept.values()), default=cohort.at)
    return CountedSuccess(_success(whole, None, cohort.agent), tuple(days), counted_at)


def _counted(session: Session, cohort: Cohort) -> dict[str, ByAgent]:
    """Count the requests of a cohort, by day and agent."""
    found: dict[str, ByAgent] = {}
    for row in session.execute(select(verdicts.each(cohort))):
        requests = found.setdefault(row.day, {}).setdefault(row.agent, RequestCounts())
        counts.put_together(requests.figures["ends"], {f"{'settled' if row.settled else 'unsettled'} {row.end}": 1})
        for name in TIMES:
            seconds = getattr(row, name)
            if seconds is not None:
                requests.times[name].count(histograms.rounded(round(seconds * 1000)))
        cost = (1, row.ai_nusd, round(row.claimed_seconds * 1000), row.human_nusd, int(row.unpriced))
        for name in ("costs", "resolved") if row.resolved else ("costs",):
            counts.put_together(requests.figures[name], dict(zip(COSTS, map(int, cost), strict=True)))
    return found


def _success(requests: RequestCounts, day: date | None, agent: str | None) -> Success:
    ends = Counter(requests.figures["ends"])
    return Success(
        day,
        agent,
        settled=Requests(*(ends[f"settled {end}"] for end in ENDS)),
        unsettled=Requests(*(ends[f"unsettled {end}"] for end in ENDS)),
        to_answer=requests.times["to_answer"].spread(),
        to_resolution=requests.times["to_resolution"].spread(),
        costs=_costs(requests.figures["costs"]),
        resolved=_costs(requests.figures["resolved"]),
    )


def _costs(figures: Mapping[str, int]) -> TicketCosts:
    tickets, ai_nusd, claimed_ms, priced_nusd, unpriced = (figures.get(name, 0) for name in COSTS)
    return TicketCosts(tickets, ai_nusd, claimed_ms / 1000, priced_nusd, unpriced)


def _never_counted(counted: Collection[str], cohort: Cohort) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans of days that were never counted, as few as possible."""
    day, begun = cohort.since, None
    while day < cohort.until:
        missing = day.date().isoformat() not in counted
        if missing and begun is None:
            begun = day
        if not missing and begun is not None:
            yield begun, day
            begun = None
        day += DAY
    if begun is not None:
        yield begun, cohort.until


def _again_after(day: datetime, at: datetime) -> timedelta:
    days_ago = (midnight(at) - day).days
    return next((after for most, after in AGAIN_AFTER if days_ago <= most), AT_LEAST)


def _start(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def _first_ticket(session: Session) -> datetime | None:
    """Return when the first ticket was opened; the index on that time begins with the agent."""
    first: datetime | None = None
    agent = session.scalar(select(func.min(Ticket.agent)))
    while agent is not None:
        of_agent = session.scalar(select(func.min(Ticket.created_at)).where(Ticket.agent == agent))
        first = min(filter(None, (first, of_agent)))
        agent = session.scalar(select(func.min(Ticket.agent)).where(Ticket.agent > agent))
    return first


def _changed(session: Session, *, since: datetime) -> dict[str, datetime]:
    """Return the days on which requests were opened that have changed since a time, with the last such change."""
    changes = union_all(
        select(Turn.ticket_id, Turn.finished_at.label("at")).where(Turn.finished_at >= since),
        select(Handoff.ticket_id, Handoff.opened_at).where(Handoff.opened_at >= since),
        select(Handoff.ticket_id, Handoff.closed_at).where(Handoff.closed_at >= since),
        select(Turn.ticket_id, Feedback.at).join(Turn, Turn.id == Feedback.turn_id).where(Feedback.at >= since),
    ).subquery()
    day = UtcDate(Ticket.created_at)
    query = select(day, func.max(changes.c.at)).join(Ticket, Ticket.id == changes.c.ticket_id).group_by(day)
    return {row[0]: row[1] for row in session.execute(query)}

"""Metrics of handoffs: how many and why, how long people waited, whether resolutions lasted.

All metrics are about one cohort: the handoffs opened within a window, in whatever state they are now; a day is the UTC
date of opening. Everything is summed in SQL. Invariant: a figure without a denominator is None, never 0. Quantiles are
by nearest rank (the smallest value with at least that share of values up to it), so that both databases agree and the
value is one that somebody really waited. Cancelled handoffs count as handoffs, with what happened before; they are
never resolved, so they have no time to resolve.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, and_, case, exists, false, func, or_, select, true, union_all
from sqlalchemy.orm import Session, aliased

from bot.principals import Reason
from bot.store.schema import Handoff, HandoffMove, HandoffState, MoveKind, Ticket, Turn, TurnOutcome
from bot.store.sql import ranks
from bot.store.sql.dialects import SecondsBetween, UtcDate

DAY, WEEK = timedelta(days=1), timedelta(days=7)
TIMES = ("to_claim", "to_first_response", "to_resolve")
MOVES = (MoveKind.EXPIRED, MoveKind.UNCLAIMED, MoveKind.REASSIGNED, MoveKind.RETURNED)
FLAGS = (
    *("requested_in_scope", "budget", "cancelled", "resolved", "reopened"),
    *("day_old", "lasted_day", "week_old", "lasted_week", "judged", "agent_could"),
)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Which handoffs or tickets are measured: opened in `[since, until)`, of one agent, of some or of all."""

    since: datetime
    until: datetime
    at: datetime
    "The time of measuring: only a resolution at least a day before it can have lasted a day."
    agent: str | None = None
    in_scope: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    "The categories that are in scope, by agent."
    among: tuple[str, ...] | None = None
    "The agents that count where no one agent is named; None: every agent."
    rates: Mapping[str, int] = field(default_factory=dict)
    "What an hour of the people costs (nano-USD), by agent, where the agent's card says it."

    @property
    def named(self) -> tuple[str, ...] | None:
        """Return the agents that count, or None for every agent."""
        return self.among if self.agent is None else (self.agent,)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, in seconds from the requester's first wait."""

    count: int = 0
    "Number of handoffs in which it happened."
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The metrics of a cohort, or of its handoffs of one day, one reason or both (None: all of them)."""

    day: date | None
    reason: str | None
    outcomes: int
    "Handoffs of every reason, and turns that the agent ended with a reply, in the window or on the day."
    handoffs: int = 0
    requested_in_scope: int = 0
    "The requester asked for a person, and by the resolution it was in scope, or the agent could have done it."
    budget: int = 0
    "Handed off because a budget was used up."
    to_claim: Spread = Spread()
    "Until the first claim, even if that claim ended without a resolution."
    to_first_response: Spread = Spread()
    "Until the first response of a person to the requester."
    to_resolve: Spread = Spread()
    expired: int = 0
    "Number of expired claims. One handoff may have several, and several of the next three."
    unclaimed: int = 0
    reassigned: int = 0
    returned: int = 0
    "Given back to the agent."
    cancelled: int = 0
    resolved: int = 0
    reopened: int = 0
    "Resolved handoffs whose ticket went to people again, for any reason."
    day_old: int = 0
    "Resolved at least 24 hours ago."
    lasted_day: int = 0
    "How many of them were not reopened within 24 hours."
    week_old: int = 0
    "Resolved at least 7 days ago."
    lasted_week: int = 0
    "How many of them were not reopened within 7 days."
    judged: int = 0
    "Resolved with an answer to whether the agent could have done it."
    agent_could: int = 0

    @property
    def rate(self) -> float | None:
        """Return these handoffs as a share (0 to 1) of all outcomes."""
        return _share(self.handoffs, self.outcomes)

    @property
    def reopen_rate(self) -> float | None:
        """Return the share of resolved handoffs that were reopened."""
        return _share(self.reopened, self.resolved)

    @property
    def durable_day(self) -> float | None:
        """Return the share of those resolved at least 24 hours ago that lasted 24 hours."""
        return _share(self.lasted_day, self.day_old)

    @property
    def durable_week(self) -> float | None:
        """Return the share of those resolved at least 7 days ago that lasted 7 days."""
        return _share(self.lasted_week, self.week_old)

    @property
    def agent_could_rate(self) -> float | None:
        """Return the share of judged handoffs that the agent could have done."""
        return _share(self.agent_could, self.judged)


def last_days(
    days: int, *, at: datetime, agent: str | None = None, in_scope: Mapping[str, tuple[str, ...]] | None = None
) -> Cohort:
    """Return the cohort of the last UTC days, today included, until now."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Cohort(midnight - timedelta(days=days - 1), at, at, agent, in_scope or {})


def totals(session: Session, cohort: Cohort) -> Figures:
    """Return the metrics over all handoffs of a cohort."""
    [row] = _measured(session, cohort)
    return _figures(row, None, sum(_outcomes(session, cohort).values()))


def by_reason(session: Session, cohort: Cohort) -> tuple[Figures, ...]:
    """Return the metrics of each reason that occurred, the most frequent first."""
    rows = _measured(session, cohort, "reason")
    outcomes = sum(_outcomes(session, cohort).values())
    return tuple(_figures(row, None, outcomes) for row in rows)


def by_day(session: Session, cohort: Cohort) -> tuple[Figures, ...]:
    """Return the metrics of each day on which a handoff was opened or the agent replied, in order."""
    rows = {row.day: row for row in _measured(session, cohort, "day")}
    return tuple(
        _figures(rows[day], day, count) if day in rows else Figures(date.fromisoformat(day), None, count)
        for day, count in _outcomes(session, cohort).items()
    )


def by_day_and_reason(session: Session, cohort: Cohort) -> tuple[Figures, ...]:
    """Return the metrics of each reason on each day on which it occurred, in order of days."""
    rows = _measured(session, cohort, "day", "reason")
    outcomes = _outcomes(session, cohort)
    return tuple(_figures(row, row.day, outcomes[row.day]) for row in rows)


def _outcomes(session: Session, cohort: Cohort) -> dict[str, int]:
    """Count the handoffs opened and replies given on each day, in order.

    It is called after the handoffs are measured, so that a handoff opened in between is counted here at least.
    """
    within = (Turn.finished_at >= cohort.since, Turn.finished_at < cohort.until)
    replies = select(UtcDate(Turn.finished_at)).where(
        Turn.outcome == TurnOutcome.REPLY, *within, _of_agent(Turn, cohort)
    )
    opened = select(UtcDate(Handoff.opened_at).label("day")).where(_opened(cohort))
    each = union_all(opened, replies).subquery()
    rows = session.execute(select(each.c.day, func.count().label("outcomes")).group_by(each.c.day).order_by(each.c.day))
    return {row.day: row.outcomes for row in rows}


def _measured(session: Session, cohort: Cohort, *keys: str) -> list[Row[Any]]:
    """Sum up the handoffs of a cohort by the named columns, with one column for each part of `Figures`."""
    each = ranks.ranked(_each(cohort), TIMES, keys)
    c = each.c
    parts: list[ColumnElement[Any]] = [func.count().filter(c[name]).label(name) for name in FLAGS]
    parts += [func.coalesce(func.sum(c[name]), 0).label(name) for name in MOVES]
    for name in TIMES:
        parts += [
            func.count(c[name]).label(f"{name}_count"),
            ranks.quantile(each, name, tenths=5).label(f"{name}_median"),
            ranks.quantile(each, name, tenths=9).label(f"{name}_p90"),
        ]
    columns = [c[key] for key in keys]
    handoffs = func.count().label("handoffs")
    order = {"day": c.day, "reason": handoffs.desc()}
    query = select(*columns, handoffs, *parts).group_by(*columns)
    return list(session.execute(query.order_by(*(order[key] for key in keys), *columns)))


def _each(cohort: Cohort) -> FromClause:
    """Return one row for each handoff: when and why it was opened, how long each thing took, what became of it."""
    moves, reopening = _moves(cohort), _reopenings(cohort)
    resolved, resolution = Handoff.state == HandoffState.RESOLVED, Handoff.resolution
    could = resolution["agent_could"].as_boolean()
    in_scope = or_(could, _in_scope(cohort))
    flags = {
        "requested_in_scope": and_(Handoff.reason == Reason.REQUESTED, in_scope),
        "budget": Handoff.reason == Reason.BUDGET,
        "cancelled": Handoff.state == HandoffState.CANCELLED,
        "resolved": resolved,
        "reopened": and_(resolved, reopening.c.at.is_not(None)),
        "judged": could.is_not(None),
        "agent_could": could,
    }
    for name, term in (("day", DAY), ("week", WEEK)):
        old = and_(resolved, Handoff.closed_at <= cohort.at - term)
        later = SecondsBetween(Handoff.closed_at, reopening.c.at) > term.total_seconds()
        flags |= {f"{name}_old": old, f"lasted_{name}": and_(old, or_(reopening.c.at.is_(None), later))}
    query = select(
        UtcDate(Handoff.opened_at).label("day"),
        Handoff.reason,
        SecondsBetween(Handoff.waiting_since, moves.c.claimed_at).label("to_claim"),
        SecondsBetween(Handoff.waiting_since, Handoff.first_response_at).label("to_first_response"),
        case((resolved, SecondsBetween(Handoff.waiting_since, Handoff.closed_at))).label("to_resolve"),
        *(moves.c[name] for name in MOVES),
        *(flag.label(name) for name, flag in flags.items()),
    )
    joined = query.outerjoin(moves, moves.c.handoff_id == Handoff.id)
    return joined.outerjoin(reopening, reopening.c.previous_id == Handoff.id).where(_opened(cohort)).subquery()


def _in_scope(cohort: Cohort) -> ColumnElement[bool]:
    """Return the condition that the category of a resolved handoff is in scope for the agent of its ticket."""
    category = Handoff.resolution["category"].as_string()
    named = [(name, names) for name, names in cohort.in_scope.items() if cohort.agent in (None, name)]
    return or_(
        false(),
        *(
            and_(category.in_(names), exists().where(Ticket.id == Handoff.ticket_id, Ticket.agent == name))
            for name, names in named
        ),
    )


def _moves(cohort: Cohort) -> FromClause:
    """Return the first claim and the number of moves of each handoff; `Handoff.claimed_at` is the last claim."""
    query = select(
        HandoffMove.handoff_id,
        func.min(case((HandoffMove.move == MoveKind.CLAIMED, HandoffMove.at))).label("claimed_at"),
        *(func.count().filter(HandoffMove.move == name).label(name) for name in MOVES),
    )
    query = query.join(Handoff, Handoff.id == HandoffMove.handoff_id).where(_opened(cohort))
    return query.group_by(HandoffMove.handoff_id).subquery()


def _reopenings(cohort: Cohort) -> FromClause:
    """Return when each handoff was first reopened."""
    later = aliased(Handoff)
    query = select(later.previous_id, func.min(later.opened_at).label("at"))
    query = query.where(later.opened_at >= cohort.since)
    return query.group_by(later.previous_id).subquery()


def _opened(cohort: Cohort) -> ColumnElement[bool]:
    return and_(Handoff.opened_at >= cohort.since, Handoff.opened_at < cohort.until, _of_agent(Handoff, cohort))


def _of_agent(table: type[Handoff | Turn], cohort: Cohort) -> ColumnElement[bool]:
    if cohort.named is None:
        return true()
    return exists().where(Ticket.id == table.ticket_id, Ticket.agent.in_(cohort.named))


def _figures(row: Row[Any], day: str | None, outcomes: int) -> Figures:
    known = row._mapping  # noqa: SLF001 - the documented way to a row's columns by name
    times = {name: _spread(*(known[f"{name}_{part}"] for part in ("count", "median", "p90"))) for name in TIMES}
    counts = {name: int(known[name]) for name in ("handoffs", *FLAGS, *MOVES)}
    moment = None if day is None else date.fromisoformat(day)
    return Figures(moment, known.get("reason"), outcomes, **counts, **times)  # type: ignore[arg-type]  # by name


def _spread(count: int, median: Any, p90: Any) -> Spread:
    return Spread(count, float(median), float(p90)) if count else Spread()


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

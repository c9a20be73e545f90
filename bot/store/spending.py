"""What was spent, on what and to which end: the sums over the ledger that reports show.

Reads only. All amounts are nano-US-dollars; a call counts in the window in which it was made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, case, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.store.ledger import SENT
from bot.store.schema import Handoff, LedgerRow, Ticket, Turn

By = Literal["channel", "user", "team", "agent", "tool", "outcome", "model"]

GROUPS: Mapping[By, InstrumentedAttribute[Any]] = {
    "channel": LedgerRow.channel,
    "user": LedgerRow.user,
    "team": LedgerRow.team,
    "agent": LedgerRow.agent,
    "tool": LedgerRow.tool,
    "outcome": Turn.outcome,
    "model": LedgerRow.model,
}

PROMPT = (
    LedgerRow.input_tokens
    + LedgerRow.cache_read_tokens
    + LedgerRow.cache_write_5m_tokens
    + LedgerRow.cache_write_1h_tokens
)


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows a report is about: made in `[since, until)`, and of everybody or of one."""

    since: datetime
    until: datetime
    channel: str | None = None
    user: str | None = None
    purpose: str | None = None
    "turn or eval; None: both."


@dataclass(frozen=True, slots=True)
class Line:
    """What one channel, user, tool, outcome or model spent."""

    key: str | None
    "None: no tool was called, or the turn has no outcome yet."
    calls: int
    tokens: int
    cost_nusd: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures over all rows of a cut."""

    calls: int
    cost_nusd: int
    held_nusd: int
    "Set aside for calls that are under way."
    prompt_tokens: int
    cache_read_tokens: int
    output_tokens: int
    interactions: int
    "Turns that made at least one call."
    tickets: int
    tickets_nusd: int
    resolved: int
    "Tickets of these that are resolved by now."
    resolved_nusd: int
    handed_off: int
    "Tickets of these that were ever handed to a person, resolved or not."
    handed_off_nusd: int

    @property
    def per_ticket(self) -> int | None:
        """Return the mean cost of a ticket, or None without one."""
        return _mean(self.tickets_nusd, self.tickets)

    @property
    def per_resolved(self) -> int | None:
        """Return the mean cost of a resolved ticket, or None without one."""
        return _mean(self.resolved_nusd, self.resolved)

    @property
    def per_handoff(self) -> int | None:
        """Return the mean cost of a ticket that went to a person, or None without one."""
        return _mean(self.handed_off_nusd, self.handed_off)

    @property
    def tokens_per_interaction(self) -> int | None:
        """Return the mean of prompt and output tokens a turn, or None without one."""
        return _mean(self.prompt_tokens + self.output_tokens, self.interactions)

    @property
    def cache_hit_share(self) -> float | None:
        """Return the share (0 to 1) of prompt tokens read from the cache, or None without a prompt."""
        return self.cache_read_tokens / self.prompt_tokens if self.prompt_tokens else None


def spend_by(session: Session, by: By, cut: Cut) -> tuple[Line, ...]:
    """Return who or what spent how much, the dearest first."""
    key = GROUPS[by]
    cost = func.sum(LedgerRow.cost_nusd)
    rows = select(key, func.count(), func.sum(PROMPT + LedgerRow.output_tokens), cost).where(_within(cut))
    if by == "outcome":
        rows = rows.outerjoin(Turn, Turn.id == LedgerRow.turn_id)
    found = session.execute(rows.group_by(key).order_by(cost.desc(), key))
    return tuple(Line(name, calls, int(tokens), int(nusd)) for name, calls, tokens, nusd in found)


def summary(session: Session, cut: Cut) -> Summary:
    """Return the figures over all rows of a cut."""
    calls = session.execute(
        select(
            func.count(),
            _sum(LedgerRow.cost_nusd),
            _sum(case((LedgerRow.state == SENT, LedgerRow.reserved_nusd), else_=0)),
            _sum(PROMPT),
            _sum(LedgerRow.cache_read_tokens),
            _sum(LedgerRow.output_tokens),
            func.count(LedgerRow.turn_id.distinct()),
        ).where(_within(cut))
    ).one()
    each = (
        select(LedgerRow.ticket_id, func.sum(LedgerRow.cost_nusd).label("cost"))
        .where(_within(cut), LedgerRow.ticket_id.is_not(None))
        .group_by(LedgerRow.ticket_id)
        .subquery()
    )
    handed_off = exists().where(Handoff.ticket_id == each.c.ticket_id)
    resolved_by_now = and_(Ticket.state == "resolved", Ticket.category.is_distinct_from("withdrawn"))
    tickets = session.execute(
        select(
            func.count(),
            _sum(each.c.cost),
            _sum(case((resolved_by_now, 1), else_=0)),
            _sum(case((resolved_by_now, each.c.cost), else_=0)),
            _sum(case((handed_off, 1), else_=0)),
            _sum(case((handed_off, each.c.cost), else_=0)),
        ).join_from(each, Ticket, Ticket.id == each.c.ticket_id)
    ).one()
    return Summary(*(int(figure) for figure in (*calls, *tickets)))


def ticket_cost(session: Session, ticket_id: int) -> int:
    """Return what a ticket has cost so far."""
    cost = session.scalar(select(_sum(LedgerRow.cost_nusd)).where(LedgerRow.ticket_id == ticket_id))
    return int(cost or 0)


def _within(cut: Cut) -> ColumnElement[bool]:
    wanted = (
        (LedgerRow.channel, cut.channel),
        (LedgerRow.user, cut.user),
        (LedgerRow.purpose, cut.purpose),
    )
    only = (column == value for column, value in wanted if value is not None)
    return and_(LedgerRow.at >= cut.since, LedgerRow.at < cut.until, *only)


def _sum(of: ColumnElement[Any] | InstrumentedAttribute[int]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(of), 0)


def _mean(total: int, count: int) -> int | None:
    return (total + count // 2) // count if count else None

"""The sums over the ledger that reports show.

Amounts are nano-US-dollars. The time to read a window depends on the calls in it, not on the length of the ledger.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, false, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.cost_dimensions import Dimension
from bot.principals import NoRequest
from bot.store.money.ledger import HOLDERS
from bot.store.money.ticket_costs import ClaimedTime
from bot.store.schema import (
    Handoff,
    LedgerRow,
    LedgerState,
    Purpose,
    Ticket,
    TicketState,
    Turn,
)
from bot.store.sql import prebuilt

BudgetHolder = tuple[str, str]
"A scope and who it is: `('channel', 'C0HELP')`."

GROUPS: Mapping[Dimension, InstrumentedAttribute[Any]] = {
    "channel": LedgerRow.channel,
    "user": LedgerRow.user,
    "team": LedgerRow.team,
    "agent": LedgerRow.agent,
    "tool": LedgerRow.tool,
    "outcome": LedgerRow.turn_id,
    "model": LedgerRow.model,
}

PROMPT = (
    LedgerRow.input_tokens
    + LedgerRow.cache_read_tokens
    + LedgerRow.cache_write_5m_tokens
    + LedgerRow.cache_write_1h_tokens
)


def _if(condition: ColumnElement[bool], value: Any) -> ColumnElement[Any]:
    return case((condition, value), else_=0)


_OF_TURNS = LedgerRow.purpose == Purpose.TURN
FIGURES: Mapping[str, ColumnElement[Any]] = {
    "calls": func.count(),
    "tokens": func.sum(PROMPT + LedgerRow.output_tokens),
    "cost_nusd": func.sum(LedgerRow.cost_nusd),
    "charged_nusd": func.sum(_if(LedgerRow.state == LedgerState.CHARGED, LedgerRow.cost_nusd)),
    "held_nusd": func.sum(_if(LedgerRow.state == LedgerState.SENT, LedgerRow.reserved_nusd)),
    "prompt_tokens": func.sum(_if(_OF_TURNS, PROMPT)),
    "cache_read_tokens": func.sum(_if(_OF_TURNS, LedgerRow.cache_read_tokens)),
    "output_tokens": func.sum(_if(_OF_TURNS, LedgerRow.output_tokens)),
    "evaluations_nusd": func.sum(_if(LedgerRow.purpose == Purpose.EVAL, LedgerRow.cost_nusd)),
}
"The sum behind each field of `CostLine`, by the field's name."


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Which rows a report is about: made in `[since, until)`, and of everybody or of some."""

    since: datetime
    until: datetime
    channel: str | None = None
    user: str | None = None
    agent: str | None = None
    purpose: Purpose | None = None
    "turn or eval; None: both."
    any_of: tuple[BudgetHolder, ...] | None = None
    "Only rows of one of these holders: what a reader may see. None: of everybody; empty: of nobody."


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one channel, user, tool, outcome or model spent."""

    key: str | None
    "None: no tool was called, or the turn has no outcome yet."
    calls: int
    tokens: int
    cost_nusd: int
    charged_nusd: int = 0
    "The part of the cost that was charged at the worst case."
    held_nusd: int = 0
    "Reserved for calls under way."
    prompt_tokens: int = 0
    "Prompt tokens of turns; those of evaluations are not counted."
    cache_read_tokens: int = 0
    "The part of the prompt tokens that was read from the cache."
    output_tokens: int = 0
    "Output tokens of turns."
    evaluations_nusd: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures over the rows that a filter lets through."""

    calls: int
    cost_nusd: int
    charged_nusd: int
    "The part of the cost that was charged at the worst case."
    held_nusd: int
    "Reserved for calls under way."
    prompt_tokens: int
    "Prompt tokens of turns; those of evaluations are not counted."
    cache_read_tokens: int
    "The part of the prompt tokens that was read from the cache."
    output_tokens: int
    "Output tokens of turns."
    interactions: int
    "Turns that made at least one call."
    tickets: int
    tickets_nusd: int
    resolved: int
    "How many of these tickets are resolved by now."
    resolved_nusd: int
    handed_off: int
    "How many of these tickets were ever handed to people, resolved or not."
    handed_off_nusd: int
    evaluations_nusd: int = 0
    people: ClaimedTime = field(default_factory=ClaimedTime, kw_only=True)
    "The time in which people had claimed these tickets, within the window."
    people_resolved: ClaimedTime = field(default_factory=ClaimedTime, kw_only=True)
    "The part of it for tickets that are resolved by now."

    @property
    def per_ticket(self) -> int | None:
        """Return the mean cost of the model calls for a ticket; None: there are no tickets."""
        return _mean(self.tickets_nusd, self.tickets)

    @property
    def per_resolved(self) -> int | None:
        """Return the mean cost of the model calls for a resolved ticket; None: there are none."""
        return _mean(self.resolved_nusd, self.resolved)

    @property
    def per_handoff(self) -> int | None:
        """Return the mean cost of the model calls for a ticket that was handed to people; None: there are none."""
        return _mean(self.handed_off_nusd, self.handed_off)

    @property
    def tokens_per_interaction(self) -> int | None:
        """Return the mean number of prompt and output tokens of a turn; None: there are no turns."""
        return _mean(self.prompt_tokens + self.output_tokens, self.interactions)

    @property
    def cache_hit_share(self) -> float | None:
        """Return the share (0 to 1) of prompt tokens that was read from the cache; None: there are no prompt tokens."""
        return self.cache_read_tokens / self.prompt_tokens if self.prompt_tokens else None


@dataclass(frozen=True, slots=True)
class TicketCost:
    """What a ticket has cost so far."""

    calls: int
    cost_nusd: int


def at_one_moment(session: Session) -> None:
    """Make every later statement of this transaction read the same snapshot, so that their sums agree.

    On SQLite every transaction does so; on PostgreSQL each statement would have its own snapshot.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        # Compiling these statements takes longer than running them.
        session.execute(text("SET LOCAL jit = off"))
        session.execute(text("SET LOCAL work_mem = '32MB'"))


def spend_by(session: Session, by: Dimension, where: LedgerFilter) -> tuple[CostLine, ...]:
    """Return who or what spent how much, the largest amount first."""
    key = GROUPS[by]
    sums = [figure.label(name) for name, figure in FIGURES.items()]
    rows = select(key.label("key"), *sums).where(within(where)).group_by(key)
    if by == "outcome":
        # Looks each turn up once; a join might read every turn in the table.
        turn = rows.subquery()
        outcome = select(Turn.outcome).where(Turn.id == turn.c.key).limit(1).scalar_subquery()
        each = select(outcome.label("key"), *(turn.c[name] for name in FIGURES)).subquery()
        rows = select(each.c.key, *(func.sum(each.c[name]).label(name) for name in FIGURES)).group_by(each.c.key)
    found = session.execute(rows.order_by(text("cost_nusd DESC"), text("key")))
    return tuple(CostLine(name, *(int(figure) for figure in figures)) for name, *figures in found)


def top_spenders(session: Session, scope: str, where: LedgerFilter, *, most: int) -> tuple[tuple[str, int], ...]:
    """Return at most `most` of the holders that spent most, each with the amount."""
    holder, cost = HOLDERS[scope], func.sum(LedgerRow.cost_nusd)
    rows = select(holder, cost).where(within(where)).group_by(holder).order_by(cost.desc(), holder).limit(most)
    return tuple((name, int(nusd)) for name, nusd in session.execute(rows))


def summary(session: Session, where: LedgerFilter, lines: Iterable[CostLine] | None = None) -> Summary:
    """Return the figures over the rows that a filter lets through; `people_time` adds the time of people.

    Args:
        session: the open transaction.
        where: which calls.
        lines: lines of the same calls, by any dimension, so that they are not summed again; None: sum them.
    """
    known = tuple(spend_by(session, "agent", where) if lines is None else lines)
    calls: dict[str, Any] = {name: sum(getattr(line, name) for line in known) for name in FIGURES if name != "tokens"}
    return Summary(**calls, **_tickets(session, where))


def spent(session: Session, where: LedgerFilter) -> int:
    """Return what the calls that a filter lets through have cost."""
    return int(session.scalar(select(_sum(LedgerRow.cost_nusd)).where(within(where))) or 0)


def first_call(session: Session) -> datetime | None:
    """Return when the first call of the ledger was made, or None."""
    return session.scalar(select(LedgerRow.at).order_by(LedgerRow.at).limit(1))


def ticket_cost(session: Session, ticket_id: int) -> TicketCost:
    """Return what a ticket has cost so far."""
    calls, cost = prebuilt.rows(session, _ticket_cost(), ticket=ticket_id).one()
    return TicketCost(calls, int(cost))


@cache
def _ticket_cost() -> Select[int, Any]:
    return select(func.count(), _sum(LedgerRow.cost_nusd)).where(LedgerRow.ticket_id == bindparam("ticket"))


def _tickets(session: Session, where: LedgerFilter) -> dict[str, Any]:
    """Return the number of turns, and number and cost of all, of resolved and of handed-off tickets."""
    each = (
        select(
            LedgerRow.ticket_id,
            func.sum(LedgerRow.cost_nusd).label("cost"),
            func.count(LedgerRow.turn_id.distinct()).label("turns"),
        )
        .where(within(where), LedgerRow.ticket_id.is_not(None))
        .group_by(LedgerRow.ticket_id)
        .subquery()
    )
    resolved_by_now = select(Ticket.id).where(Ticket.id == each.c.ticket_id, is_resolved())
    handed_off = select(Handoff.id).where(Handoff.ticket_id == each.c.ticket_id)
    # LIMIT makes the database look up each ticket once instead of reading whole tables, and OFFSET keeps it from
    # looking it up again for each sum.
    ends = {
        "resolved": resolved_by_now.limit(1).scalar_subquery().is_not(None),
        "handed_off": handed_off.limit(1).scalar_subquery().is_not(None),
    }
    labels = [end.label(name) for name, end in ends.items()]
    ended = select(each.c.cost, each.c.turns, *labels).offset(0).subquery()
    figures = {"interactions": _sum(ended.c.turns), "tickets": func.count(), "tickets_nusd": _sum(ended.c.cost)}
    for name in ends:
        figures |= {name: _sum(_if(ended.c[name], 1)), f"{name}_nusd": _sum(_if(ended.c[name], ended.c.cost))}
    row = session.execute(select(*figures.values())).one()
    return dict(zip(figures, map(int, row), strict=True))


def is_resolved() -> ColumnElement[bool]:
    """Return the condition that a ticket is resolved by now, and was a request."""
    return and_(Ticket.state == TicketState.RESOLVED, func.coalesce(Ticket.category, "").not_in(tuple(NoRequest)))


def within(where: LedgerFilter) -> ColumnElement[bool]:
    """Return the condition that a filter lets a row of the ledger through."""
    wanted = (
        (LedgerRow.channel, where.channel),
        (LedgerRow.user, where.user),
        (LedgerRow.agent, where.agent),
        (LedgerRow.purpose, where.purpose),
    )
    only = [column == value for column, value in wanted if value is not None]
    if where.any_of is not None:
        only.append(or_(false(), *(HOLDERS[scope] == holder for scope, holder in where.any_of)))
    return and_(LedgerRow.at >= where.since, LedgerRow.at < where.until, *only)


def _sum(of: ColumnElement[Any] | InstrumentedAttribute[int]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(of), 0)


def _mean(total: int, count: int) -> int | None:
    return (total + count // 2) // count if count else None

"""What is counted of turns, tickets, model calls and thumbs, by UTC day and agent.

A turn counts on the day on which it ended, with its tool calls; a ticket on the day on which it was opened; a model
call on the day on which it left; a thumb on the day on which it was given or last changed. Everything is counted in
SQL, through an index on that time. Each statement is built once for each number of spans: building it took longer than
counting the events of a few hours.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, and_, bindparam, case, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.store.figures import histograms
from bot.store.figures.counts import Counted, Counts, Timed
from bot.store.schema import Feedback, LedgerRow, Purpose, Step, StepKind, StepStatus, Ticket, Turn, TurnOutcome
from bot.store.sql import prebuilt
from bot.store.sql.dialects import MillisecondsBetween, UtcDate


@dataclass(frozen=True, slots=True)
class Span:
    """The times in `[since, until)`, UTC."""

    since: datetime
    until: datetime


Agents = Sequence[str] | None
"The names of agents; None: all of them."
DayAgent = tuple[str, str]
"A UTC day, as `2026-11-22`, and an agent."
ByDayAndAgent = defaultdict[DayAgent, Counts]

ANSWERED = (TurnOutcome.REPLY, TurnOutcome.HANDOFF, TurnOutcome.REFUSED)
"Outcomes that the requester waited for; a turn that was withdrawn has no latency."
CALLS = ("calls", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "cost_nusd")
"The figures of the calls of turns."
EVALUATIONS = ("evaluation_calls", "evaluation_cost_nusd")
"The figures of the calls of evaluations."
_FIRST_AGENT = select(func.min(Ticket.agent))
_AGENTS: BindParameter[Any] = bindparam("agents", expanding=True)
_NEXT_AGENT = _FIRST_AGENT.where(Ticket.agent > bindparam("name"))


def counted(session: Session, spans: Sequence[Span], agents: Agents = None) -> ByDayAndAgent:
    """Count what happened in some spans of time, of some agents or of all."""
    found: ByDayAndAgent = defaultdict(Counts)
    if spans:
        for count in (_turns, _tools, _tickets, _spending):
            count(session, spans, agents, found)
    return found


def thumbs(session: Session, spans: Sequence[Span], agents: Agents = None) -> ByDayAndAgent:
    """Count the thumbs that were given or last changed in some spans of time, of some agents or of all."""
    found: ByDayAndAgent = defaultdict(Counts)
    if spans:
        _thumbs(session, spans, agents, found)
    return found


def with_tickets(session: Session) -> Iterator[str]:
    """Yield the agents that have tickets, each found at its place in an index."""
    name = prebuilt.rows(session, _FIRST_AGENT).scalar()
    while name is not None:
        yield name
        name = prebuilt.rows(session, _NEXT_AGENT, name=name).scalar()


def _turns(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    query = _of_turns(len(spans), agents is None)
    for day, name, outcome, category, latency, turns in _rows(session, query, spans, agents):
        counts = found[day, name]
        counts.count(Counted.OUTCOME, outcome, turns)
        counts.count(Counted.OUTPUT, f"{outcome} {category}", turns)
        if latency is not None:
            counts.time(Timed.LATENCY, "", latency, turns)


@cache
def _of_turns(spans: int, all_agents: bool) -> Select[Any]:  # noqa: FBT001 - a part of the statement's key
    waited = cast(func.round(Turn.waited_seconds * 1000), BigInteger)  # for approvals, which is no time of the agent's
    milliseconds = MillisecondsBetween(Turn.created_at, Turn.finished_at) - waited
    each = select(
        UtcDate(Turn.finished_at).label("day"),
        Ticket.agent,
        Turn.outcome,
        func.coalesce(Turn.category, "").label("category"),
        case((Turn.outcome.in_(ANSWERED), milliseconds)).label("took"),
    ).join(Ticket, Ticket.id == Turn.ticket_id)
    c = _within(each, Turn.finished_at, spans, None if all_agents else Ticket.agent).subquery().c
    columns = (c.day, c.agent, c.outcome, c.category, histograms.rounded_in_sql(c.took).label("latency"))
    keys = select(*columns).subquery().c
    return select(*keys, func.count()).group_by(*keys)


def _tools(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    query = _of_tools(len(spans), agents is None)
    for day, name, state, tool, calls in _rows(session, query, spans, agents):
        found[day, name].count(Counted.TOOL, f"{state} {tool}", calls)


@cache
def _of_tools(spans: int, all_agents: bool) -> Select[Any]:  # noqa: FBT001 - a part of the statement's key
    # The clock turns one into the other, at any time after the turn has ended.
    status = case((Step.status == StepStatus.STARTED, StepStatus.UNSEEN), else_=Step.status)
    keys = (UtcDate(Turn.finished_at), Ticket.agent, status, Step.name)
    of: Select[Any] = select(*keys, func.count()).select_from(Turn).join(Ticket, Ticket.id == Turn.ticket_id)
    of = of.join(Step, Step.turn_id == Turn.id).where(Step.kind == StepKind.TOOL)
    return _within(of, Turn.finished_at, spans, None if all_agents else Ticket.agent).group_by(*keys)


def _tickets(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    # The index on the time begins with the agent.
    known = list(with_tickets(session)) if agents is None else agents
    for day, name, tickets in _rows(session, _of_tickets(len(spans)), spans, known):
        found[day, name].count(Counted.TICKET, "", tickets)


@cache
def _of_tickets(spans: int) -> Select[Any]:
    keys: tuple[Any, ...] = (UtcDate(Ticket.created_at), Ticket.agent)
    return _within(select(*keys, func.count()), Ticket.created_at, spans, Ticket.agent).group_by(*keys)


def _spending(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    query = _of_spending(len(spans), agents is None)
    for day, name, purpose, *figures in _rows(session, query, spans, agents):
        names, values = (CALLS, figures) if purpose is Purpose.TURN else (EVALUATIONS, (figures[0], figures[-1]))
        for key, value in zip(names, values, strict=True):
            found[day, name].count(Counted.SPENDING, key, int(value))


@cache
def _of_spending(spans: int, all_agents: bool) -> Select[Any]:  # noqa: FBT001 - a part of the statement's key
    keys = (UtcDate(LedgerRow.at), LedgerRow.agent, LedgerRow.purpose)
    written = LedgerRow.cache_write_5m_tokens + LedgerRow.cache_write_1h_tokens
    used: tuple[Any, ...] = (LedgerRow.input_tokens, LedgerRow.cache_read_tokens, written, LedgerRow.output_tokens)
    of: Select[Any] = select(*keys, func.count(), *(func.sum(one) for one in (*used, LedgerRow.cost_nusd)))
    return _within(of, LedgerRow.at, spans, None if all_agents else LedgerRow.agent).group_by(*keys)


def _thumbs(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    query = _of_thumbs(len(spans), agents is None)
    for day, name, good, given in _rows(session, query, spans, agents):
        found[day, name].count(Counted.THUMB, "thumbs_up" if good else "thumbs_down", given)


@cache
def _of_thumbs(spans: int, all_agents: bool) -> Select[Any]:  # noqa: FBT001 - a part of the statement's key
    # Looks up the agent of each thumb; a join might read every ticket of the agents.
    of_turn = select(Ticket.agent).join(Turn, Turn.ticket_id == Ticket.id).where(Turn.id == Feedback.turn_id)
    agent = of_turn.correlate(Feedback).scalar_subquery()
    each = select(UtcDate(Feedback.at).label("day"), agent.label("agent"), Feedback.good)
    keys = _within(each, Feedback.at, spans, None).subquery().c
    query: Select[Any] = select(*keys, func.count()).group_by(*keys)
    return query if all_agents else query.where(keys.agent.in_(_AGENTS))


def _within(
    query: Select[Any],
    time: InstrumentedAttribute[Any],
    spans: int,
    owner: InstrumentedAttribute[str] | None,
) -> Select[Any]:
    """Return a query of so many spans, and of some agents where it is told who has an event; `_rows` gives both."""
    each = range(spans)
    within: ColumnElement[bool] = or_(
        *(and_(time >= bindparam(f"since{number}"), time < bindparam(f"until{number}")) for number in each)
    )
    return query.where(within) if owner is None else query.where(within, owner.in_(_AGENTS))


def _rows(session: Session, query: Select[Any], spans: Sequence[Span], agents: Agents) -> Iterable[Any]:
    since = {f"since{number}": span.since for number, span in enumerate(spans)}
    until = {f"until{number}": span.until for number, span in enumerate(spans)}
    given = since | until | ({} if agents is None else {"agents": list(agents)})
    found: Iterable[Any] = prebuilt.rows(session, query, **given)
    return found

"""What is counted of turns, tickets, model calls and thumbs, by UTC day and agent.

A turn counts on the day on which it ended, with its tool calls; a ticket on the day on which it was opened; a model
call on the day on which it left; a thumb on the day on which it was given or last changed. Everything is counted in
SQL, through an index on that time.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.store.figures import histograms
from bot.store.figures.counts import Counted, Counts, Timed
from bot.store.schema import Feedback, LedgerRow, Purpose, Step, StepKind, StepStatus, Ticket, Turn, TurnOutcome
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
    name = session.scalar(select(func.min(Ticket.agent)))
    while name is not None:
        yield name
        name = session.scalar(select(func.min(Ticket.agent)).where(Ticket.agent > name))


def _turns(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    waited = cast(func.round(Turn.waited_seconds * 1000), BigInteger)  # for approvals, which is no time of the agent's
    milliseconds = MillisecondsBetween(Turn.created_at, Turn.finished_at) - waited
    each = select(
        UtcDate(Turn.finished_at).label("day"),
        Ticket.agent,
        Turn.outcome,
        func.coalesce(Turn.category, "").label("category"),
        case((Turn.outcome.in_(ANSWERED), milliseconds)).label("took"),
    ).join(Ticket, Ticket.id == Turn.ticket_id)
    c = _within(each, Turn.finished_at, spans, Ticket.agent, agents).subquery().c
    columns = (c.day, c.agent, c.outcome, c.category, histograms.rounded_in_sql(c.took).label("latency"))
    keys = select(*columns).subquery().c
    query: Select[Any] = select(*keys, func.count()).group_by(*keys)
    for day, name, outcome, category, latency, turns in session.execute(query):
        counts = found[day, name]
        counts.count(Counted.OUTCOME, outcome, turns)
        counts.count(Counted.OUTPUT, f"{outcome} {category}", turns)
        if latency is not None:
            counts.time(Timed.LATENCY, "", latency, turns)


def _tools(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    # The clock turns one into the other, at any time after the turn has ended.
    status = case((Step.status == StepStatus.STARTED, StepStatus.UNSEEN), else_=Step.status)
    keys = (UtcDate(Turn.finished_at), Ticket.agent, status, Step.name)
    of = select(*keys, func.count()).select_from(Turn).join(Ticket, Ticket.id == Turn.ticket_id)
    of = of.join(Step, Step.turn_id == Turn.id).where(Step.kind == StepKind.TOOL)
    rows = session.execute(_within(of, Turn.finished_at, spans, Ticket.agent, agents).group_by(*keys))
    for day, name, state, tool, calls in rows:
        found[day, name].count(Counted.TOOL, f"{state} {tool}", calls)


def _tickets(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    keys: tuple[Any, ...] = (UtcDate(Ticket.created_at), Ticket.agent)
    # The index on the time begins with the agent.
    known = list(with_tickets(session)) if agents is None else agents
    of = _within(select(*keys, func.count()), Ticket.created_at, spans, Ticket.agent, known)
    for day, name, tickets in session.execute(of.group_by(*keys)):
        found[day, name].count(Counted.TICKET, "", tickets)


def _spending(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    keys = (UtcDate(LedgerRow.at), LedgerRow.agent, LedgerRow.purpose)
    written = LedgerRow.cache_write_5m_tokens + LedgerRow.cache_write_1h_tokens
    used: tuple[Any, ...] = (LedgerRow.input_tokens, LedgerRow.cache_read_tokens, written, LedgerRow.output_tokens)
    of = select(*keys, func.count(), *(func.sum(one) for one in (*used, LedgerRow.cost_nusd)))
    rows = session.execute(_within(of, LedgerRow.at, spans, LedgerRow.agent, agents).group_by(*keys))
    for day, name, purpose, *figures in rows:
        names, values = (CALLS, figures) if purpose is Purpose.TURN else (EVALUATIONS, (figures[0], figures[-1]))
        for key, value in zip(names, values, strict=True):
            found[day, name].count(Counted.SPENDING, key, int(value))


def _thumbs(session: Session, spans: Sequence[Span], agents: Agents, found: ByDayAndAgent) -> None:
    # Looks up the agent of each thumb; a join might read every ticket of the agents.
    of_turn = select(Ticket.agent).join(Turn, Turn.ticket_id == Ticket.id).where(Turn.id == Feedback.turn_id)
    agent = of_turn.correlate(Feedback).scalar_subquery()
    each = select(UtcDate(Feedback.at).label("day"), agent.label("agent"), Feedback.good)
    keys = _within(each, Feedback.at, spans, Ticket.agent, None).subquery().c
    query: Select[Any] = select(*keys, func.count()).group_by(*keys)
    for day, name, good, given in session.execute(query if agents is None else query.where(keys.agent.in_(agents))):
        found[day, name].count(Counted.THUMB, "thumbs_up" if good else "thumbs_down", given)


def _within(
    query: Select[Any],
    time: InstrumentedAttribute[Any],
    spans: Sequence[Span],
    owner: InstrumentedAttribute[str],
    agents: Agents,
) -> Select[Any]:
    within: ColumnElement[bool] = or_(*(and_(time >= span.since, time < span.until) for span in spans))
    return query.where(within) if agents is None else query.where(within, owner.in_(agents))

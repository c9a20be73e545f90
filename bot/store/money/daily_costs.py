"""Daily cost sums of tickets, people and tools, compared with the four weeks before.

Reads only, and only the calls of turns: an evaluation is started by an operator and has no usual cost. All amounts are
nano-US-dollars; a call counts on the day on which it was made.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, Self

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.store.money.spending import PROMPT
from bot.store.schema import LedgerRow, LedgerState, Purpose, Ticket

Per = Literal["ticket", "user", "tool", "agent"]

KEYS: Mapping[Per, InstrumentedAttribute[Any]] = {
    "ticket": LedgerRow.ticket_id,
    "user": LedgerRow.user,
    "tool": LedgerRow.tool,
    "agent": LedgerRow.agent,
}

WEIGHT = (
    20 * LedgerRow.input_tokens
    + 2 * LedgerRow.cache_read_tokens
    + 25 * LedgerRow.cache_write_5m_tokens
    + 40 * LedgerRow.cache_write_1h_tokens
)
"The prompt's cost in twentieths of a fresh token: the relative prices of cache reads and writes, for every model."


@dataclass(frozen=True, slots=True)
class DayCost:
    """What some calls used and cost."""

    cost_nusd: int = 0
    charged_nusd: int = 0
    "The part of the cost that was charged at the worst case, because the calls' outcome is unknown."
    calls: int = 0
    charged: int = 0
    turns: int = 0
    tickets: int = 0
    "A turn or ticket counts once on each day."
    prompt_tokens: int = 0
    prompt_weight: int = 0
    "Sum of WEIGHT: prompt tokens by relative price, in twentieths of a fresh token."
    cache_read_tokens: int = 0
    output_tokens: int = 0

    @classmethod
    def total(cls, parts: Sequence["DayCost"]) -> Self:
        """Return the sum of parts."""
        return cls(*(sum(getattr(part, figure.name) for part in parts) for figure in fields(cls)))


@dataclass(frozen=True, slots=True)
class DayQuestion:
    """Which calls are looked at."""

    agent: str
    days: tuple[datetime, ...]
    "The start of each day and, as the last element, the end of the last day (UTC); at least two."
    only: tuple[Per, str] | None = None
    "Only the calls of one ticket, user, tool or agent: what it is, and its name."
    without: tuple[Collection[str], Collection[str]] = ((), ())
    "Tickets and users whose calls are left out."


@dataclass(frozen=True, slots=True)
class Loop:
    """One tool that was called many times in one turn."""

    tool: str
    ticket: str
    calls: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket is, and its requester."""

    channel: str
    thread_ts: str
    private: bool
    requester: str


def by_day(session: Session, per: Per, asked: DayQuestion, *, least_nusd: int = 0) -> dict[str, dict[int, DayCost]]:
    """Return the costs of each ticket, user, tool or agent, by its name and the number of the day.

    Args:
        session: an open transaction.
        per: what the calls are grouped by.
        asked: which calls.
        least_nusd: days that cost less than this are left out.
    """
    key, day = KEYS[per], _day(asked.days)
    cost, charged = func.sum(LedgerRow.cost_nusd), LedgerRow.state == LedgerState.CHARGED
    rows = session.execute(
        select(
            key,
            day,
            cost,
            func.sum(case((charged, LedgerRow.cost_nusd), else_=0)),
            func.count(),
            func.sum(case((charged, 1), else_=0)),
            func.count(LedgerRow.turn_id.distinct()),
            func.count(LedgerRow.ticket_id.distinct()),
            func.sum(PROMPT),
            func.sum(WEIGHT),
            func.sum(LedgerRow.cache_read_tokens),
            func.sum(LedgerRow.output_tokens),
        )
        .where(_of(asked), key.is_not(None))
        .group_by(key, day)
        .having(cost >= least_nusd)
    )
    found: dict[str, dict[int, DayCost]] = {}
    for name, number, *figures in rows:
        found.setdefault(str(name), {})[number] = DayCost(*map(int, figures))
    return found


def ticket_costs(session: Session, asked: DayQuestion) -> Sequence[int]:
    """Return the cost of each ticket over all days, the cheapest first."""
    cost = func.sum(LedgerRow.cost_nusd)
    query = select(cost).where(_of(asked), LedgerRow.ticket_id.is_not(None)).group_by(LedgerRow.ticket_id)
    return [int(nusd) for nusd in session.scalars(query.order_by(cost))]


def longest_loop(session: Session, asked: DayQuestion) -> Loop | None:
    """Return the tool that was called most often in one turn, with that turn's ticket; None: no tool was called."""
    calls = func.count().label("calls")
    found = session.execute(
        select(LedgerRow.tool, LedgerRow.ticket_id, calls)
        .where(_of(asked), LedgerRow.tool.is_not(None), LedgerRow.ticket_id.is_not(None))
        .group_by(LedgerRow.turn_id, LedgerRow.ticket_id, LedgerRow.tool)
        .order_by(calls.desc(), LedgerRow.ticket_id)
        .limit(1)
    ).one_or_none()
    return None if found is None else Loop(str(found.tool), str(found.ticket_id), found.calls)


def place_of(session: Session, ticket: str) -> Place | None:
    """Return where a ticket is; None: there is no such ticket."""
    found = session.get(Ticket, int(ticket))
    return None if found is None else Place(found.channel, found.thread_ts, found.private, found.requester)


def _of(asked: DayQuestion) -> ColumnElement[bool]:
    terms = [
        LedgerRow.purpose == Purpose.TURN,
        LedgerRow.agent == asked.agent,
        LedgerRow.at >= asked.days[0],
        LedgerRow.at < asked.days[-1],
    ]
    if asked.only is not None:
        per, name = asked.only
        terms.append(KEYS[per] == (int(name) if per == "ticket" else name))
    tickets, users = asked.without
    if tickets:
        terms.append(LedgerRow.ticket_id.not_in([int(ticket) for ticket in tickets]))
    if users:
        terms.append(LedgerRow.user.not_in(users))
    return and_(*terms)


def _day(days: Sequence[datetime]) -> ColumnElement[int]:
    """Return the number of a call's day, counted from 0; a local day may have 23 or 25 hours."""
    ends = [(LedgerRow.at < end, literal(number)) for number, end in enumerate(days[1:-1])]
    return case(*ends, else_=literal(len(ends))) if ends else literal(0)

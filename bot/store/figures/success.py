"""The success criterion: the share of requests after which the requester could sign in again, without a person.

A request is *solved* when four things hold. The agent has resolved it, and what its card calls solved was seen: with
`account_active`, the directory says that the requester can sign in. No person has touched it: it was never handed off,
and no responder wrote to its requester. Its requester did not contradict it within 24 hours of its last resolution:
they wrote nothing but thanks, and did not say that the answer was no help. And those 24 hours are over.

A request is *not settled yet* while it was opened, or resolved without a person, less than 24 hours ago; those that go
well and those that do not are then counted at the same pace, which `docs/decisions/0033` explains. The share is that of
settled requests. Requests that were taken back before anybody came, or whose requester was not admitted, are none.

A day is the UTC date on which a ticket was opened. Invariant: a figure without a denominator is None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, func, select, true
from sqlalchemy.orm import Session

from bot import intervals
from bot.store.figures import verdicts
from bot.store.figures.verdicts import ENDS
from bot.store.handoffs.handoff_metrics import Cohort, Spread
from bot.store.money.ticket_costs import TicketCosts
from bot.store.sql import ranks

TIMES = ("to_answer", "to_resolution")


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests by what became of them; each is counted once."""

    solved: int = 0
    "Resolved without a person, confirmed by what the card calls solved, and not contradicted by the requester."
    to_people: int = 0
    "Handed to people at any time, or a responder wrote to the requester."
    contradicted: int = 0
    "Resolved without a person, but the requester contradicted it within 24 hours."
    unconfirmed: int = 0
    "None of these: answered and not confirmed, or still open."

    @property
    def all(self) -> int:
        """Return the number of all requests."""
        return self.solved + self.to_people + self.contradicted + self.unconfirmed


@dataclass(frozen=True, slots=True)
class Success:
    """The success criterion over the requests of a cohort, or those of one day, one agent or both (None: all)."""

    day: date | None = None
    agent: str | None = None
    settled: Requests = Requests()
    unsettled: Requests = Requests()
    "What has become so far of the requests that are not settled yet."
    to_answer: Spread = field(default_factory=Spread)
    "Seconds from the opening of a ticket to the first answer that was posted, of the agent or of a person."
    to_resolution: Spread = field(default_factory=Spread)
    "Seconds from the opening of a ticket to its last resolution, by the agent or by a person."
    costs: TicketCosts = field(default_factory=TicketCosts)
    "Of all these requests."
    resolved: TicketCosts = field(default_factory=TicketCosts)
    "Of those that are resolved, by the agent or by people."

    @property
    def share(self) -> float | None:
        """Return the success criterion: the share (0 to 1) of settled requests that were solved without a person."""
        return self.settled.solved / self.settled.all if self.settled.all else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the bounds of the share (95 %, Wilson); None: no request is settled."""
        return intervals.wilson(self.settled.solved, self.settled.all) if self.settled.all else None


def total(session: Session, cohort: Cohort) -> Success:
    """Return the figures over all requests that were opened in `[cohort.since, cohort.until)`."""
    [row] = _measured(session, cohort)
    return _success(row, agent=cohort.agent)


def by_day(session: Session, cohort: Cohort) -> tuple[Success, ...]:
    """Return the figures of each day on which a request was opened, in order."""
    return tuple(_success(row, agent=cohort.agent) for row in _measured(session, cohort, "day"))


def by_agent(session: Session, cohort: Cohort) -> tuple[Success, ...]:
    """Return the figures of each agent that was asked, by name."""
    return tuple(_success(row) for row in _measured(session, cohort, "agent"))


def by_day_and_agent(session: Session, cohort: Cohort) -> tuple[Success, ...]:
    """Return the figures of each agent on each day on which it was asked, in order of days."""
    return tuple(_success(row) for row in _measured(session, cohort, "day", "agent"))


def _measured(session: Session, cohort: Cohort, *keys: str) -> list[Row[Any]]:
    """Sum up the requests of a cohort by the named columns, with one column for each part of `Success`."""
    rows = ranks.ranked(verdicts.each(cohort), TIMES, keys)
    c = rows.c
    parts: list[ColumnElement[Any]] = []
    for name in ENDS:
        parts.append(func.count().filter(and_(c.end == name, c.settled)).label(f"settled_{name}"))
        parts.append(func.count().filter(and_(c.end == name, ~c.settled)).label(f"unsettled_{name}"))
    for name in TIMES:
        parts.append(func.count(c[name]).label(f"{name}_count"))
        parts += [ranks.quantile(rows, name, tenths=n).label(f"{name}_{n}") for n in (5, 9)]
    for name, only in (("costs", true()), ("resolved", c.resolved)):
        parts.append(func.count().filter(only).label(f"{name}_tickets"))
        for of in ("ai_nusd", "claimed_seconds", "human_nusd"):
            parts.append(func.coalesce(func.sum(case((only, c[of]))), 0).label(f"{name}_{of}"))
        parts.append(func.count().filter(and_(only, c.unpriced)).label(f"{name}_unpriced"))
    columns = [c[key] for key in keys]
    return list(session.execute(select(*columns, *parts).group_by(*columns).order_by(*columns)))


def _success(row: Row[Any], *, agent: str | None = None) -> Success:
    known = row._mapping  # noqa: SLF001 - the documented way to a row's columns by name
    day = known.get("day")
    return Success(
        day=None if day is None else date.fromisoformat(day),
        agent=known.get("agent", agent),
        settled=_requests(known, "settled"),
        unsettled=_requests(known, "unsettled"),
        to_answer=_spread(known, "to_answer"),
        to_resolution=_spread(known, "to_resolution"),
        costs=_costs(known, "costs"),
        resolved=_costs(known, "resolved"),
    )


def _requests(known: Mapping[Any, Any], name: str) -> Requests:
    return Requests(*(int(known[f"{name}_{end}"]) for end in ENDS))


def _costs(known: Mapping[Any, Any], name: str) -> TicketCosts:
    tickets, ai, seconds, human, unpriced = (
        known[f"{name}_{of}"] for of in ("tickets", "ai_nusd", "claimed_seconds", "human_nusd", "unpriced")
    )
    return TicketCosts(int(tickets), int(ai), round(float(seconds), 3), int(human), int(unpriced))


def _spread(known: Mapping[Any, Any], name: str) -> Spread:
    count, median, p90 = (known[f"{name}_{part}"] for part in ("count", "5", "9"))
    return Spread(count, float(median), float(p90)) if count else Spread()

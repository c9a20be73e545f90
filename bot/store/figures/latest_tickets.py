"""The newest tickets of a window, for who wants to look at one. Reads only.

Tickets are read from the newest on, by the index on their agent and opening, a few at a time until there are enough; so
it takes no longer after a million requests. Both lists are made of the same reading.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bot.store.schema import Step, StepKind, StepStatus, Ticket, TicketState, Turn, TurnOutcome

MOST = 12
"Tickets of one list."
LOOKED_AT = 500
"The most tickets that are looked at for one list."
AT_ONCE = 50
"Tickets that are read at once."


@dataclass(frozen=True, slots=True)
class TicketEnd:
    """A ticket, and how the last of its turns that have ended did."""

    ticket_id: int
    agent: str
    state: TicketState
    at: datetime
    "When the turn ended (UTC)."
    outcome: TurnOutcome
    reason: str | None
    category: str | None


@dataclass(frozen=True, slots=True)
class LatestTickets:
    """The newest tickets of a window, each list with the newest first."""

    last: list[TicketEnd] = field(default_factory=list)
    "Those that were opened last and had a turn that ended."
    examples: list[TicketEnd] = field(default_factory=list)
    "Those among the newest `LOOKED_AT` of which a turn went to people or had a call that failed."


def read(session: Session, agents: Collection[str], since: datetime, until: datetime) -> LatestTickets:
    """Return the newest tickets of some agents that were opened in `[since, until)`."""
    found = LatestTickets()
    for tickets in _newest(session, agents, since, until):
        ended = _ended(session, tickets)
        failed = _failed(session, [turn.id for turns in ended.values() for turn in turns])
        for ticket in tickets:
            turns = ended[ticket.id]
            if turns and len(found.last) < MOST:
                found.last.append(_end(ticket, turns[-1]))
            told = any(turn.outcome is TurnOutcome.HANDOFF or turn.id in failed for turn in turns)
            if told and len(found.examples) < MOST:
                found.examples.append(_end(ticket, turns[-1]))
        if len(found.last) == len(found.examples) == MOST:
            break
    return found


def _newest(
    session: Session, agents: Collection[str], since: datetime, until: datetime
) -> Iterator[Sequence[Row[Any]]]:
    """Yield the tickets that were opened in a window, from the newest on, a few at a time."""
    seen = 0
    for most in (AT_ONCE, LOOKED_AT):
        newest: list[Row[Any]] = []
        for agent in agents:
            query = select(Ticket.created_at, Ticket.id, Ticket.agent, Ticket.state).where(Ticket.agent == agent)
            query = query.where(Ticket.created_at >= since, Ticket.created_at < until)
            newest += session.execute(query.order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(most))
        newest = sorted(newest, key=lambda row: (row.created_at, row.id), reverse=True)[:most]
        for start in range(seen, len(newest), AT_ONCE):
            yield newest[start : start + AT_ONCE]
        if len(newest) < most:
            return
        seen = most


def _ended(session: Session, tickets: Sequence[Row[Any]]) -> dict[int, list[Row[Any]]]:
    """Return the turns of each ticket that have ended, in order."""
    columns = (Turn.id, Turn.ticket_id, Turn.finished_at, Turn.outcome, Turn.reason, Turn.category)
    query = select(*columns).where(Turn.ticket_id.in_([one.id for one in tickets]))
    query = query.where(Turn.outcome.is_not(None), Turn.finished_at.is_not(None))
    found: dict[int, list[Row[Any]]] = {one.id: [] for one in tickets}
    rows: Iterable[Row[Any]] = session.execute(query.order_by(Turn.id))
    for turn in rows:
        found[turn.ticket_id].append(turn)
    return found


def _failed(session: Session, turns: Sequence[int]) -> set[int]:
    """Return those turns in which the call of a tool failed."""
    query = select(Step.turn_id).where(Step.turn_id.in_(turns), Step.kind == StepKind.TOOL)
    return set(session.scalars(query.where(Step.status == StepStatus.FAILED)))


def _end(ticket: Row[Any], turn: Row[Any]) -> TicketEnd:
    ended = (turn.finished_at, turn.outcome, turn.reason, turn.category)
    return TicketEnd(ticket.id, ticket.agent, ticket.state, *ended)

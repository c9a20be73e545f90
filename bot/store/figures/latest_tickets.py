"""The tickets whose turns ended last in a window, for who wants to look at one. Reads only.

It reads turns from the newest on, through the index on their end, and stops when it has enough tickets.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from bot.store.schema import Step, StepKind, StepStatus, Ticket, TicketState, Turn, TurnOutcome

MOST = 12
"Tickets of one list."
TURNS_READ = 60
"The most turns that are read for one list: a ticket may have several."


@dataclass(frozen=True, slots=True)
class TicketEnd:
    """A ticket, and how its last turn in the window ended."""

    ticket_id: int
    agent: str
    state: TicketState
    at: datetime
    "When the turn ended (UTC)."
    outcome: TurnOutcome
    reason: str | None
    category: str | None


def latest(session: Session, agents: Collection[str], since: datetime, until: datetime) -> tuple[TicketEnd, ...]:
    """Return the tickets of some agents whose turns ended last in `[since, until)`, the newest first."""
    return _ends(session, agents, since, until, true())


def examples(session: Session, agents: Collection[str], since: datetime, until: datetime) -> tuple[TicketEnd, ...]:
    """Return those of which a turn went to people or had a call that failed."""
    failed = select(Step.id).where(
        Step.turn_id == Turn.id, Step.kind == StepKind.TOOL, Step.status == StepStatus.FAILED
    )
    return _ends(session, agents, since, until, or_(Turn.outcome == TurnOutcome.HANDOFF, failed.exists()))


def _ends(
    session: Session, agents: Collection[str], since: datetime, until: datetime, which: ColumnElement[bool]
) -> tuple[TicketEnd, ...]:
    of_turn = (Turn.ticket_id, Turn.finished_at.label("at"), Turn.outcome, Turn.reason, Turn.category)
    query = select(*of_turn, Ticket.agent, Ticket.state).join(Ticket, Ticket.id == Turn.ticket_id)
    query = query.where(Turn.finished_at >= since, Turn.finished_at < until, Ticket.agent.in_(agents))
    query = query.where(Turn.outcome.is_not(None), which)
    found: dict[int, TicketEnd] = {}
    for row in session.execute(query.order_by(Turn.finished_at.desc(), Turn.id.desc()).limit(TURNS_READ)):
        found.setdefault(row.ticket_id, TicketEnd(**row._mapping))  # noqa: SLF001 - the documented way to its names
    return tuple(found.values())[:MOST]

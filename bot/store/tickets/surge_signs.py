"""The signs of a surge: turns that the directory failed, and tickets that were handed off for the same reason."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from bot.store.schema import Surge, SurgeCause, Ticket, Turn, TurnOutcome, TurnState, now
from bot.store.tickets.turns import Attempt


def directory_failed(session: Session, attempt: Attempt) -> None:
    """Note that the directory did not answer an attempt at a turn."""
    session.execute(
        update(Turn)
        .where(Turn.id == attempt.turn_id, Turn.attempt == attempt.number, Turn.state == TurnState.RUNNING)
        .values(directory_failed_at=now())
    )


def failed_by_directory(session: Session, agents: Collection[str], *, since: datetime) -> Sequence[Ticket]:
    """Return the tickets that the directory has failed since a time, and not answered after that.

    Args:
        session: the open transaction.
        agents: the agent, with those that it inherits from.
        since: the time.
    """
    query = (
        select(Ticket)
        .join(Turn, Turn.ticket_id == Ticket.id)
        .where(Ticket.agent.in_(agents), Turn.directory_failed_at > since)
        .where(or_(Turn.state != TurnState.DONE, Turn.outcome == TurnOutcome.HANDOFF))
    )
    return session.scalars(query.distinct().order_by(Ticket.id)).all()


def handed_off(session: Session, agents: Collection[str], *, reason: str, since: datetime, most: int) -> Sequence[int]:
    """Return the ids of tickets that their agent has handed off for a reason since a time, the newest first."""
    query = (
        select(Ticket.id)
        .join(Turn, Turn.ticket_id == Ticket.id)
        .where(Ticket.agent.in_(agents), Turn.finished_at > since)
        .where(Turn.outcome == TurnOutcome.HANDOFF, Turn.reason == reason)
    )
    return session.scalars(query.distinct().order_by(Ticket.id.desc()).limit(most)).all()


def before(session: Session, agents: Collection[str], *, until: datetime, most: int) -> Sequence[int]:
    """Return the ids of the last tickets that were opened before a time."""
    query = select(Ticket.id).where(Ticket.agent.in_(agents), Ticket.created_at < until)
    return session.scalars(query.order_by(Ticket.id.desc()).limit(most)).all()


def last_end(session: Session, agent: str, cause: SurgeCause) -> datetime | None:
    """Return when an agent's last surge of a cause ended, or None."""
    return session.scalars(select(func.max(Surge.over_at)).where(Surge.agent == agent, Surge.cause == cause)).one()

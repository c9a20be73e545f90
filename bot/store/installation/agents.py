"""Agents as principals: whether each is suspended, until when its review holds, and that no id is used twice.

Invariant: an agent has at most one suspension that lasts, and each begin and end of one has one record in the audit
log, in the same transaction. A worker reads the suspension before each step (`bot.agent.standing`), so it counts for
every process as soon as it is committed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.schema import AgentRow, Suspension, Ticket, Turn, TurnState, now
from bot.store.sql import prebuilt

OPERATOR = "operator"
"Who acts by the command line or by a card, in the audit log."
_STANDING = (
    select(AgentRow.retired_at, Suspension.id)
    .outerjoin(Suspension, and_(Suspension.agent == AgentRow.name, Suspension.over_at.is_(None)))
    .where(AgentRow.name == bindparam("id"))
)
_LASTING = select(Suspension.id).where(Suspension.agent == bindparam("name"), Suspension.over_at.is_(None))


def enter(session: Session, name: str) -> None:
    """Write an agent's id down once."""
    db.insert_new(session, AgentRow, name=name, first_seen_at=now())


def retire(session: Session, name: str, *, because: str) -> bool:
    """Retire an agent for good, because a card says so; return whether it was not retired before."""
    enter(session, name)
    retired = session.execute(
        update(AgentRow)
        .where(AgentRow.name == name, AgentRow.retired_at.is_(None))
        .values(retired_at=now())
        .returning(AgentRow.name)
    ).scalar_one_or_none()
    if retired is not None:
        audit.append(session, "agent.retired", actor=OPERATOR, agent=name, because=because)
    return retired is not None


def ids(session: Session) -> Mapping[str, AgentRow]:
    """Return every agent there ever was, by its id."""
    return {row.name: row for row in session.scalars(select(AgentRow).order_by(AgentRow.name))}


def suspension(session: Session, name: str) -> Suspension | None:
    """Return the suspension of an agent that lasts, or None."""
    lasts = prebuilt.rows(session, _LASTING, name=name).scalar_one_or_none()
    return None if lasts is None else session.get_one(Suspension, lasts)


def standing(session: Session, name: str) -> tuple[bool, Suspension | None]:
    """Return whether an agent is retired, and the suspension that lasts, if there is one."""
    retired_at, lasts = prebuilt.rows(session, _STANDING, id=name).one_or_none() or (None, None)
    return retired_at is not None, None if lasts is None else session.get_one(Suspension, lasts)


def lasting(session: Session) -> Mapping[str, Suspension]:
    """Return the suspensions that last, by agent."""
    query = select(Suspension).where(Suspension.over_at.is_(None)).order_by(Suspension.agent)
    return {row.agent: row for row in session.scalars(query)}


def past(session: Session, name: str, *, most: int) -> Sequence[Suspension]:
    """Return the last suspensions of an agent, the newest first."""
    query = select(Suspension).where(Suspension.agent == name).order_by(Suspension.id.desc())
    return session.scalars(query.limit(most)).all()


def suspend(session: Session, name: str, *, cause: str, by: str) -> Suspension | None:
    """Suspend an agent; return None if it is suspended already.

    Args:
        session: the open write transaction.
        name: the agent's id.
        cause: why, redacted.
        by: who suspends it, as the audit log names them.
    """
    enter(session, name)
    new = db.insert_new(session, Suspension, agent=name, cause=cause, by=by, at=now())
    if new is None:
        return None
    audit.append(session, "agent.suspended", actor=by, agent=name, suspension=new, cause=cause)
    return session.get_one(Suspension, new)


def resume(session: Session, name: str, *, by: str) -> Suspension | None:
    """End an agent's suspension and return it; None if it is not suspended."""
    ended = session.scalars(
        update(Suspension)
        .where(Suspension.agent == name, Suspension.over_at.is_(None))
        .values(over_at=now(), over_by=by)
        .returning(Suspension)
    ).one_or_none()
    if ended is not None:
        audit.append(session, "agent.resumed", actor=by, agent=name, suspension=ended.id)
    return ended


def turns_not_done(session: Session, names: Collection[str]) -> int:
    """Return how many turns of these agents wait or are played."""
    query = select(func.count()).select_from(Turn).join(Ticket, Ticket.id == Turn.ticket_id)
    return session.scalars(query.where(Turn.state != TurnState.DONE, Ticket.agent.in_(names))).one()


def review(session: Session, name: str, *, until: date, by: str) -> None:
    """Record that an agent's card was reviewed, and until which day that holds."""
    enter(session, name)
    session.execute(
        update(AgentRow)
        .where(AgentRow.name == name)
        .values(reviewed_at=now(), reviewed_by=by, review_until=until.isoformat(), reminded_at=None)
    )
    audit.append(session, "agent.reviewed", actor=by, agent=name, until=until.isoformat())


def review_by(session: Session, name: str, of_card: date) -> date:
    """Return until when an agent's review holds: the later of its card's day and the recorded one."""
    recorded = session.scalar(select(AgentRow.review_until).where(AgentRow.name == name))
    return of_card if recorded is None else max(of_card, date.fromisoformat(recorded))


def take_reminder(session: Session, name: str, *, told_before: datetime) -> bool:
    """Take the telling that a review is over; return False if another caller has it, or it was told since a time."""
    enter(session, name)
    taken = session.execute(
        update(AgentRow)
        .where(AgentRow.name == name, or_(AgentRow.reminded_at.is_(None), AgentRow.reminded_at <= told_before))
        .values(reminded_at=now())
        .returning(AgentRow.name)
    )
    return taken.scalar_one_or_none() is not None

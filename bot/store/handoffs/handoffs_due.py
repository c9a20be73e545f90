"""What the clock has to do: unclaimed handoffs that escalate, claims that end, and who has left. Reads only.

The clock looks every second, so each query is one or two statements, however many handoffs there are, and reads only
the columns that the clock needs.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Select, and_, bindparam, case, false, not_, or_, select
from sqlalchemy.orm import Session

from bot.escalation import EscalationAction
from bot.store.handoffs.handoffs import ACTIVE
from bot.store.schema import (
    Departed,
    ExpiryCause,
    Handoff,
    HandoffMove,
    HandoffState,
    MoveKind,
    Ticket,
    now,
)
from bot.store.sql import prebuilt

_OPEN = and_(ACTIVE, Handoff.state == HandoffState.OPEN)
_CLAIMED = and_(ACTIVE, Handoff.state == HandoffState.CLAIMED)
_BELOW = and_(_OPEN, Handoff.escalation_level < bindparam("level"))
_OPEN_BELOW = (
    select(Handoff.id, Ticket.agent, Handoff.openings, Handoff.open_since, Handoff.escalation_level)
    .join(Ticket, Ticket.id == Handoff.ticket_id)
    .where(_BELOW)
    .order_by(Handoff.open_since, Handoff.id)
)
_BEGUN = select(Handoff.id).where(_BELOW, Handoff.escalation_level > 0)
_ESCALATED = (
    select(HandoffMove.handoff_id, HandoffMove.detail)
    .where(HandoffMove.handoff_id.in_(_BEGUN))  # not joined: SQLite would read all of the history
    .where(HandoffMove.move == MoveKind.ESCALATED)
    .order_by(HandoffMove.id)
)


@dataclass(frozen=True, slots=True)
class OpenHandoff:
    """An unclaimed handoff."""

    id: int
    agent: str
    openings: int
    open_since: datetime
    taken: tuple[EscalationAction, ...]
    "The escalation actions since it was last opened, in order."


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that is over, or expires soon."""

    id: int
    agent: str
    holder: str
    lease_until: datetime
    why: ExpiryCause
    "Why it ends; with `LEASE` it may still be in force and expire soon."


def open_below_level(session: Session, level: int) -> list[OpenHandoff]:
    """Return unclaimed handoffs that have not escalated to this level, the longest open first."""
    found = prebuilt.rows(session, _OPEN_BELOW, level=level).all()
    steps = _steps(session, level) if any(reached for *_, reached in found) else {}
    return [
        # The level starts at 0 at each opening, so the last `level` actions belong to this opening.
        OpenHandoff(number, agent, openings, since, tuple(steps[number][-reached:] if reached else ()))
        for number, agent, openings, since, reached in found
    ]


def _steps(session: Session, level: int) -> Mapping[int, list[EscalationAction]]:
    """Return the escalation actions of those handoffs that have escalated, in order, by the handoff's id."""
    steps: dict[int, list[EscalationAction]] = defaultdict(list)
    for handoff_id, detail in prebuilt.rows(session, _ESCALATED, level=level):
        steps[handoff_id].append(EscalationAction(detail["action"]))
    return steps


def ending(session: Session, *, before: datetime, serving: Mapping[str, Collection[str]]) -> list[Claim]:
    """Return claims that are over, and claims that expire before a time without a reminder; the next to expire first.

    A claim is over when its lease has expired, its holder has left, or its holder may no longer act on the ticket.

    Args:
        session: the open transaction.
        before: the time.
        serving: the people who may act on an agent's tickets, by the agent's name; nobody else may.
    """
    at = now()
    found = prebuilt.rows(
        session, _ending(tuple((name, *users) for name, users in serving.items())), before=before, at=at
    )
    return [
        Claim(number, agent, str(holder), until or at, ExpiryCause(why)) for number, agent, holder, until, why in found
    ]


@lru_cache(maxsize=8)
def _ending(serving: tuple[tuple[str, ...], ...]) -> Select[int, str, str, datetime, ExpiryCause]:
    """Return the statement of `ending`, for agents with those who may act on their tickets."""
    soon = and_(Handoff.warned.is_(False), Handoff.lease_until <= bindparam("before"))
    may_act = or_(false(), *(and_(Ticket.agent == name, Handoff.claimed_by.in_(users)) for name, *users in serving))
    over = or_(soon, Handoff.lease_until <= bindparam("at"), Departed.user.is_not(None), not_(may_act))
    return (
        select(
            Handoff.id,
            Ticket.agent,
            Handoff.claimed_by,
            Handoff.lease_until,
            case(
                (Departed.user.is_not(None), ExpiryCause.LEFT),
                (may_act, ExpiryCause.LEASE),
                else_=ExpiryCause.OFF_CARD,
            ),
        )
        .join(Ticket, Ticket.id == Handoff.ticket_id)
        .outerjoin(Departed, Departed.user == Handoff.claimed_by)
        .where(_CLAIMED, over)
        .order_by(Handoff.lease_until, Handoff.id)
    )


def called_since(session: Session, handoff: Handoff, since: datetime) -> bool:
    """Return whether the responders on call were already mentioned for another open handoff of the same queue."""
    escalated = (
        select(HandoffMove.detail)
        .join(Handoff, Handoff.id == HandoffMove.handoff_id)
        .where(_OPEN, Handoff.queue_channel == handoff.queue_channel, Handoff.id != handoff.id)
        .where(HandoffMove.move == MoveKind.ESCALATED, HandoffMove.at >= since)
    )
    return any(detail.get("action") == EscalationAction.MENTION for detail in session.scalars(escalated))


def holders(session: Session) -> Sequence[str]:
    """Return the Slack user ids of all holders."""
    users = select(Handoff.claimed_by).where(_CLAIMED, Handoff.claimed_by.is_not(None)).distinct()
    return [str(user) for user in session.scalars(users.order_by(Handoff.claimed_by))]


def of_requester(session: Session, user: str) -> Sequence[Handoff]:
    """Return the handoffs of somebody's requests that are not closed, the oldest first."""
    theirs = select(Handoff).join(Ticket, Ticket.id == Handoff.ticket_id).where(Ticket.requester == user)
    return session.scalars(theirs.where(ACTIVE).order_by(Handoff.id)).all()


def backdate(session: Session, handoff_id: int, span: timedelta) -> None:
    """Move the times of a handoff back, for a demo."""
    row = session.get_one(Handoff, handoff_id)
    row.waiting_since, row.open_since = row.waiting_since - span, row.open_since - span
    row.lease_until = row.lease_until and row.lease_until - span


def private(session: Session) -> Sequence[tuple[int, str]]:
    """Return the ids of open and claimed handoffs of private tickets, each with the name of its agent."""
    query = select(Handoff.id, Ticket.agent).join(Ticket, Ticket.id == Handoff.ticket_id)
    found = session.execute(query.where(Ticket.private, ACTIVE))
    return [(handoff_id, agent) for handoff_id, agent in found]


def stranded(session: Session, known: Collection[str]) -> dict[str, int]:
    """Return the number of open and claimed handoffs of all agents except the known ones, by agent."""
    query = select(Ticket.agent).join(Handoff, Handoff.ticket_id == Ticket.id)
    # They are counted here: to group them, SQLite would read every ticket there is, by an index on the agent.
    return dict(Counter(session.scalars(query.where(ACTIVE, Ticket.agent.not_in(known)))))

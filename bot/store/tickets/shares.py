"""Limits on what one person may ask for, so that others are served too.

Everything is counted while the person's row is locked, in the transaction that adds to it, so the limits hold even if
several processes hear one person at once. The person's row is locked before any ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Integer, ScalarSelect, bindparam, case, false, func, insert, null, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import InboxEvent, InboxKind, Requester, Ticket, Turn, TurnState, now
from bot.store.sql import prebuilt

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_HELD_BACK = (
    select(Turn.id)
    .join(Ticket, Ticket.id == Turn.ticket_id)
    .where(Turn.held_back, Turn.state == TurnState.WAITING)
    .where(Ticket.requester == bindparam("user"), Ticket.team == bindparam("team"))
    .order_by(Turn.id)
    .limit(bindparam("most"))
)
_PEOPLE_HELD_BACK = (
    select(Ticket.team, Ticket.requester, func.min(Ticket.agent))
    .join(Turn, Turn.ticket_id == Ticket.id)
    .where(Turn.held_back, Turn.state == TurnState.WAITING)
    .group_by(Ticket.team, Ticket.requester)
    .limit(500)
)
_MINE = (Ticket.requester == bindparam("user"), Ticket.team == bindparam("team"))
_WROTE = (
    select(InboxEvent.id)
    .where(InboxEvent.user == bindparam("user"), InboxEvent.team == bindparam("team"))
    .where(InboxEvent.kind == InboxKind.MESSAGE, InboxEvent.received_at > bindparam("since"))
    .limit(bindparam("most", type_=Integer))
)
_MESSAGES = select(func.count()).select_from(_WROTE.subquery())
"How many messages a person wrote since a time, but no more than `most`."


def _opened(later: str) -> ScalarSelect[datetime]:
    """Return a query for when a person opened their newest ticket but as many as the parameter of this name says."""
    opened = select(Ticket.created_at).where(*_MINE).order_by(Ticket.id.desc())
    return opened.offset(bindparam(later, type_=Integer)).limit(1).scalar_subquery()


_TAKEN = select(_MESSAGES.scalar_subquery(), _opened("later_in_hour"), _opened("later_in_day"))
_UNDER_WAY = (
    select(func.count())
    .select_from(Turn)
    .join(Ticket, Ticket.id == Turn.ticket_id)
    .where(*_MINE, Turn.state != TurnState.DONE, ~Turn.held_back, Turn.suspended_at.is_(None))
)
_FULL = func.coalesce(_UNDER_WAY.scalar_subquery() >= bindparam("at_once", type_=Integer), false())
_COUNTED = select(_FULL.label("full")).subquery()
_NEW_TURN = (
    insert(Turn)
    .from_select(
        ["ticket_id", "held_back", "queued_at"],
        select(
            bindparam("ticket", type_=Turn.ticket_id.type),
            _COUNTED.c.full,
            case((_COUNTED.c.full, null()), else_=bindparam("at", type_=Turn.queued_at.type)),
        ),
    )
    .returning(Turn.id, Turn.held_back)
)


class Excess(StrEnum):
    """The limit that a person has reached."""

    MESSAGES = "messages"
    "Messages within an hour."
    TICKETS_AN_HOUR = "tickets_an_hour"
    "Tickets opened within an hour."
    TICKETS_A_DAY = "tickets_a_day"
    "Tickets opened within a day."


@dataclass(frozen=True, slots=True)
class ShareBounds:
    """The limits of one person."""

    turns: int
    "Turns that are queued or played at a time; more are held back."
    tickets_an_hour: int
    tickets_a_day: int
    messages_an_hour: int


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A turn that was just added."""

    id: int
    held_back: bool
    "It waits until others of the same person end."


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A person with turns that are held back, and an agent that these are for."""

    team: str
    user: str
    agent: str


def lock(session: Session, team: str, user: str) -> None:
    """Lock a person's row for this transaction, so that their messages are counted one by one."""
    db.upsert(session, Requester, team=team, user=user, heard_at=now())


def excess(session: Session, team: str, user: str, bounds: ShareBounds, *, opens: bool) -> Excess | None:
    """Return the limit that one more message of a person would exceed, or None.

    Args:
        session: a transaction that has locked the person.
        team: the workspace.
        user: the person.
        bounds: their limits.
        opens: the message opens a new ticket.
    """
    at = now()
    counted = {"user": user, "team": team, "since": at - HOUR, "most": bounds.messages_an_hour}
    # Only the oldest of the last so many tickets is read: if it is recent enough, all of them are.
    oldest = {"later_in_hour": bounds.tickets_an_hour - 1, "later_in_day": bounds.tickets_a_day - 1} if opens else {}
    lately, *opened = prebuilt.rows(session, _TAKEN if opens else _MESSAGES, **counted, **oldest).one()
    if lately >= bounds.messages_an_hour:
        return Excess.MESSAGES
    limits = ((at - HOUR, Excess.TICKETS_AN_HOUR), (at - DAY, Excess.TICKETS_A_DAY))
    for first, (since, kind) in zip(opened, limits, strict=False):  # none was read unless one is opened
        if first is not None and first > since:
            return kind
    return None


def under_way(session: Session, team: str, user: str) -> int:
    """Return the number of a person's turns that are queued or played; one that waits for an approval is neither."""
    return prebuilt.rows(session, _UNDER_WAY, user=user, team=team).scalar_one()


def open_turn(session: Session, ticket_id: int, team: str, user: str, *, at_once: int | None) -> NewTurn:
    """Add a waiting turn to a ticket that has none under way; it is held back if its requester has too many.

    Args:
        session: the open write transaction; with `at_once` it has locked the person.
        ticket_id: the ticket.
        team: the workspace.
        user: the requester.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    whose = {"team": team, "user": user, "at_once": at_once}
    return NewTurn(*prebuilt.rows(session, _NEW_TURN, ticket=ticket_id, at=now(), **whose).one())


def queue_next(session: Session, team: str, user: str, *, turns: int) -> Sequence[int]:
    """Mark a person's oldest held-back turns as queued, as many as they may have now; return their ids.

    Args:
        session: the open write transaction.
        team: the workspace.
        user: the person.
        turns: the most turns of this person that may be under way.
    """
    lock(session, team, user)
    room = turns - under_way(session, team, user)
    if room <= 0:
        return ()
    queued = prebuilt.rows(session, _HELD_BACK, team=team, user=user, most=room).scalars().all()
    session.execute(update(Turn).where(Turn.id.in_(queued)).values(held_back=False, queued_at=now()))
    return queued


def waits(session: Session, team: str, user: str) -> bool:
    """Return whether a person has a turn that is held back, without locking the person."""
    return prebuilt.rows(session, _HELD_BACK, team=team, user=user, most=1).one_or_none() is not None


def held_back(session: Session) -> Sequence[HeldBack]:
    """Return the people who have turns that are held back."""
    return [HeldBack(*row) for row in prebuilt.rows(session, _PEOPLE_HELD_BACK)]

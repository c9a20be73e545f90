r"""A surge from its first follower to its last: the rows, and every statement that changes them.

    begin --> under way --end--> over --settle--> settled
              |  followers join   |  the agent goes on with one after the other
              \-- and leave       \-- until nobody waits

A ticket is locked before its surge, as everywhere; `followers` has the tickets that wait. A ticket joins only while its
surge is under way: the surge's row is locked against its end for that, so that whoever ends it sees every follower.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.schema import (
    FollowerState,
    Handoff,
    Surge,
    SurgeCause,
    SurgeEnd,
    SurgeWatch,
    Ticket,
    TicketState,
    Turn,
    TurnState,
    now,
)
from bot.store.schema.handoff_context import SurgeFacts
from bot.store.sql import prebuilt
from bot.store.tickets import followers

CLOCK = "clock"
"The actor of what the clock does."
_UNDER_WAY = select(Surge.id).where(Surge.agent == bindparam("name"), Surge.over_at.is_(None)).order_by(Surge.id)
_ANY_UNSETTLED = select(exists().where(Surge.settled_at.is_(None)))
_OF_DIRECTORY = select(Surge.id).where(
    Surge.agent == bindparam("name"), Surge.cause == SurgeCause.DIRECTORY, Surge.over_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class SurgeCount:
    """A surge under way, as operators and owners see it."""

    agent: str
    cause: SurgeCause
    people: int
    "How many people it affects."
    handoff_id: int
    began_at: datetime

    def __str__(self) -> str:
        who = "1 person" if self.people == 1 else f"{self.people} people"
        match self.cause:
            case SurgeCause.DIRECTORY:
                why = "the directory does not answer"
            case SurgeCause.ALIKE:
                why = "their requests are alike"
            case _:
                assert_never(self.cause)
        return f"{who} wait for handoff {self.handoff_id}: {why}"


def counts(session: Session, agent: str | None = None) -> tuple[SurgeCount, ...]:
    """Return the surges under way of an agent, or of all."""
    found = all_under_way(session) if agent is None else under_way(session, agent)
    return tuple(
        SurgeCount(one.agent, one.cause, people(session, one.id), one.handoff_id, one.began_at) for one in found
    )


def lock_agent(session: Session, agent: str) -> None:
    """Lock an agent for this transaction: of several that decide whether a surge begins, each sees those before."""
    db.upsert(session, SurgeWatch, agent=agent, at=now())


def under_way(session: Session, agent: str) -> Sequence[Surge]:
    """Return the surges of an agent that are under way, the oldest first."""
    found = prebuilt.rows(session, _UNDER_WAY, name=agent).scalars().all()
    return [session.get_one(Surge, surge_id) for surge_id in found]


def any_unsettled(session: Session) -> bool:
    """Return whether a surge is under way, or over with followers who were not told."""
    return bool(prebuilt.rows(session, _ANY_UNSETTLED).scalar_one())


def all_under_way(session: Session) -> Sequence[Surge]:
    """Return every surge that is under way, the oldest first."""
    return session.scalars(select(Surge).where(Surge.over_at.is_(None)).order_by(Surge.id)).all()


def unsettled(session: Session) -> Sequence[Surge]:
    """Return the surges that are over and have followers who were not told, the oldest first."""
    query = select(Surge).where(Surge.settled_at.is_(None), Surge.over_at.is_not(None))
    return session.scalars(query.order_by(Surge.id)).all()


def find(session: Session, surge_id: int) -> Surge | None:
    """Return a surge, or None."""
    return session.get(Surge, surge_id)


def of_directory(session: Session, agent: str, ticket_id: int) -> Surge | None:
    """Return the agent's surge for which a ticket need not ask the directory; None: it asks.

    A ticket that has left the surge is played as usual.
    """
    found = prebuilt.rows(session, _OF_DIRECTORY, name=agent).scalar_one_or_none()
    if found is None:
        return None
    ticket = session.get_one(Ticket, ticket_id, populate_existing=True)
    return None if followers.has_left(ticket, found) else session.get_one(Surge, found)


def begin(
    session: Session,
    handoff: Handoff,
    *,
    agent: str,
    cause: SurgeCause,
    words: Sequence[str],
    channel: str,
    language: str,
    others: Collection[int],
) -> Surge | None:
    """Begin a surge with a handoff as its parent; None if the agent has one of this cause under way.

    Args:
        session: a write transaction that has locked the agent and the handoff's ticket.
        handoff: the parent.
        agent: the agent.
        cause: what the tickets have in common.
        words: the words that they have in common.
        channel: the help channel that is told.
        language: the language in which it is told.
        others: ids of tickets that were handed off for the same cause; those that people have still are linked.
    """
    surge_id = db.insert_new(
        session,
        Surge,
        agent=agent,
        cause=cause,
        reason=handoff.reason,
        words=list(words),
        handoff_id=handoff.id,
        channel=channel,
        language=language,
    )
    if surge_id is None:
        return None
    surge = session.get_one(Surge, surge_id)
    surge.left_out = _link_handed_off(session, surge_id, handoff, others)
    surge.people = people(session, surge_id)
    handoff.context = replace(handoff.context, surge=SurgeFacts(surge_id, cause, surge.people))
    about: dict[str, Any] = {"surge": surge_id, "cause": cause, "handoff": handoff.id}
    audit.append(session, "surge.began", actor=f"agent:{agent}", ticket_id=handoff.ticket_id, **about)
    return surge


def _link_handed_off(session: Session, surge_id: int, parent: Handoff, others: Collection[int]) -> list[int]:
    """Link the ticket of the parent, and those others that people have; return those that somebody has locked.

    To wait for them while the agent is locked could be to wait for each other.
    """
    first = session.get_one(Ticket, parent.ticket_id)
    first.surge_id, first.following = surge_id, FollowerState.WITH_PEOPLE
    handed_off = select(Ticket).where(Ticket.id.in_(others), Ticket.state == TicketState.HANDED_OFF)
    linked = session.scalars(handed_off.order_by(Ticket.id).with_for_update(skip_locked=True)).all()
    for ticket in linked:
        ticket.surge_id, ticket.following = surge_id, FollowerState.WITH_PEOPLE
    session.flush()
    return sorted(set(others) - {ticket.id for ticket in linked})


def link_left_out(session: Session, surge_id: int, ticket_id: int) -> None:
    """Link a ticket that was left out when its surge began, if people have it still.

    Args:
        session: a write transaction; it locks the ticket and the surge.
        surge_id: the surge.
        ticket_id: the ticket.
    """
    ticket = session.get_one(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    surge = session.get_one(Surge, surge_id, with_for_update=True, populate_existing=True)
    surge.left_out = [one for one in surge.left_out if one != ticket_id]
    if surge.over_at is None and ticket.state is TicketState.HANDED_OFF and ticket.surge_id != surge_id:
        ticket.surge_id, ticket.following = surge_id, FollowerState.WITH_PEOPLE


def end(session: Session, surge_id: int, by: SurgeEnd) -> Surge | None:
    """End a surge; None if it is over already: of several clocks one ends it."""
    over = update(Surge).where(Surge.id == surge_id, Surge.over_at.is_(None)).values(over_at=now(), over_by=by)
    if session.execute(over.returning(Surge.id)).scalar_one_or_none() is None:
        return None
    surge = session.get_one(Surge, surge_id, populate_existing=True)
    audit.append(session, "surge.ended", actor=CLOCK, surge=surge_id, by=by, people=people(session, surge_id))
    return surge


def settle(session: Session, surge_id: int) -> bool:
    """Note that no follower of a surge waits any more; return False if one does."""
    if followers.waiting(session, surge_id, most=1):
        return False
    session.execute(update(Surge).where(Surge.id == surge_id).values(settled_at=now()))
    return True


def people(session: Session, surge_id: int) -> int:
    """Return how many people a surge affects: those who wait, those who were told of its end, those with people."""
    query = select(func.count()).select_from(Ticket)
    return session.scalars(query.where(Ticket.surge_id == surge_id, Ticket.following != FollowerState.LEFT)).one()


def with_people(session: Session, surge_id: int) -> Sequence[int]:
    """Return the ids of the open or claimed handoffs of a surge's tickets."""
    query = (
        select(Handoff.id)
        .join(Ticket, Ticket.id == Handoff.ticket_id)
        .where(Ticket.surge_id == surge_id, Ticket.following == FollowerState.WITH_PEOPLE, Handoff.closed_at.is_(None))
    )
    return session.scalars(query.order_by(Handoff.id)).all()


def going_on(session: Session, surge_id: int) -> int:
    """Return how many tickets of a surge the agent plays a turn of, or has waiting in the queue."""
    query = select(func.count()).select_from(Turn).join(Ticket, Ticket.id == Turn.ticket_id)
    return session.scalars(
        query.where(
            Ticket.surge_id == surge_id, Ticket.following == FollowerState.GONE_ON, Turn.state != TurnState.DONE
        )
    ).one()


def new_parent(session: Session, surge_id: int, handoff: Handoff, ticket: Ticket) -> None:
    """Make another handoff the parent of a surge, because the one before was withdrawn."""
    ticket.surge_id, ticket.following = surge_id, FollowerState.WITH_PEOPLE
    session.flush()
    surge = session.get_one(Surge, surge_id)
    surge.handoff_id, surge.people = handoff.id, people(session, surge_id)
    handoff.context = replace(handoff.context, surge=SurgeFacts(surge_id, surge.cause, surge.people))


def count_again(session: Session, surge_id: int, *, shown_before: datetime) -> Handoff | None:
    """Store how many people the card shows; return the parent if that changed and was last shown before a time.

    Args:
        session: a write transaction that has locked the parent's ticket.
        surge_id: the surge.
        shown_before: the time.
    """
    surge = session.get_one(Surge, surge_id, with_for_update=True, populate_existing=True)
    count = people(session, surge_id)
    if count == surge.people or surge.shown_at > shown_before:
        return None
    surge.people, surge.shown_at = count, now()
    handoff = session.get_one(Handoff, surge.handoff_id, populate_existing=True)
    handoff.context = replace(handoff.context, surge=SurgeFacts(surge_id, surge.cause, count))
    return handoff


def take_check(session: Session, surge_id: int, *, before: datetime) -> bool:
    """Take the next check of the directory for this clock; False if another has just made it."""
    due = update(Surge).where(Surge.id == surge_id, Surge.over_at.is_(None), Surge.checked_at <= before)
    return session.execute(due.values(checked_at=now()).returning(Surge.id)).scalar_one_or_none() is not None


def note_check(session: Session, surge_id: int, *, healthy: bool) -> int:
    """Note whether the directory answered a check; return how many in a row it has answered."""
    count = Surge.healthy + 1 if healthy else 0
    noted = update(Surge).where(Surge.id == surge_id).values(healthy=count).returning(Surge.healthy)
    return session.execute(noted).scalar_one()

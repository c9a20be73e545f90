r"""Tickets given to people. Every move is one conditional statement, a row of history and an audit record.

    open --claim--> claimed --resolve--> resolved
      ^                |
      |                \--lapse or release or reassign (the lease; see the design of handoffs)
      \--open again: a new handoff that names this one

The ticket's owner changes in the same transaction as the handoff's state: whoever reads the ticket
before speaking (`bot.store.messages.take`) sees the claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.principals import Reason
from bot.store import audit, tickets
from bot.store.schema import Handoff, HandoffMove, InboxEvent, Ticket, now


@dataclass(frozen=True, slots=True)
class Moved:
    """The move was made."""

    handoff: Handoff
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class NotMoved:
    """The move was refused and nothing changed.

    `state` and `holder` are what the handoff is now, for the words that say so.
    """

    state: str
    holder: str | None


def open_for(
    session: Session,
    ticket_id: int,
    *,
    turn_id: int | None,
    reason: Reason,
    summary: str,
    context: dict[str, Any],
    queue_channel: str,
    actor: str,
) -> Handoff:
    """Give a ticket to people; an open one of the same ticket is returned as it is.

    Args:
        session: the open write transaction.
        ticket_id: the ticket.
        turn_id: the turn that ended in it, if any.
        reason: why, from the closed set.
        summary: one paragraph for the person who takes it.
        context: what was tried, account state, cost so far.
        queue_channel: where responders are told.
        actor: who hands off.
    """
    ticket = tickets.lock(session, ticket_id)
    found = active(session, ticket_id)
    if found is not None:
        return found
    waiting_since = session.scalars(
        select(InboxEvent.received_at).where(InboxEvent.ticket_id == ticket_id).order_by(InboxEvent.id.desc()).limit(1)
    ).one_or_none()
    handoff = Handoff(
        ticket_id=ticket_id,
        turn_id=turn_id,
        previous_id=last_id(session, ticket_id),
        reason=reason,
        summary=summary,
        context=context,
        queue_channel=queue_channel,
        waiting_since=waiting_since or now(),
    )
    session.add(handoff)
    ticket.state = "handed_off"
    session.flush()
    _note(session, handoff, "opened", actor, {"reason": reason})
    return handoff


def claim(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Take an open handoff; exactly one of many wins."""
    at = now()
    won = session.execute(
        update(Handoff)
        .where(Handoff.id == handoff_id, Handoff.state == "open", Handoff.claimed_by.is_(None))
        .values(state="claimed", claimed_by=user, claimed_at=at, lease_until=at + timedelta(minutes=lease_minutes))
        .returning(Handoff.ticket_id)
    ).scalar_one_or_none()
    if won is None:
        return _refused(session, handoff_id)
    ticket = tickets.lock(session, won)
    ticket.owner = user
    return _moved(session, handoff_id, ticket, "claimed", user, {})


def resolve(
    session: Session, handoff_id: int, user: str, *, done: str, category: str, agent_could: bool
) -> Moved | NotMoved:
    """End a handoff with what was done; only the one who holds it may."""
    closed = session.execute(
        update(Handoff)
        .where(Handoff.id == handoff_id, Handoff.state == "claimed", Handoff.claimed_by == user)
        .values(
            state="resolved",
            closed_at=now(),
            lease_until=None,
            resolution={"done": done, "category": category, "agent_could": agent_could},
        )
        .returning(Handoff.ticket_id)
    ).scalar_one_or_none()
    if closed is None:
        return _refused(session, handoff_id)
    ticket = tickets.lock(session, closed)
    ticket.state, ticket.owner, ticket.resolved_at, ticket.category = "resolved", None, now(), category
    detail = {"category": category, "agent_could": agent_could}
    return _moved(session, handoff_id, ticket, "resolved", user, detail)


def spoke(session: Session, handoff_id: int, user: str, *, lease_minutes: float) -> Moved | NotMoved:
    """Note a word of the holder to the requester: it renews the lease, the first one is measured."""
    at = now()
    held = session.execute(
        update(Handoff)
        .where(Handoff.id == handoff_id, Handoff.state == "claimed", Handoff.claimed_by == user)
        .values(lease_until=at + timedelta(minutes=lease_minutes))
        .returning(Handoff.ticket_id)
    ).scalar_one_or_none()
    if held is None:
        return _refused(session, handoff_id)
    session.execute(
        update(Handoff).where(Handoff.id == handoff_id, Handoff.first_word_at.is_(None)).values(first_word_at=at)
    )
    return _moved(session, handoff_id, tickets.lock(session, held), "renewed", user, {})


def find(session: Session, handoff_id: int) -> tuple[Handoff, Ticket] | None:
    """Return a handoff and its ticket."""
    handoff = session.get(Handoff, handoff_id)
    return None if handoff is None else (handoff, session.get_one(Ticket, handoff.ticket_id))


def active(session: Session, ticket_id: int) -> Handoff | None:
    """Return the handoff that is open or claimed, if any."""
    query = select(Handoff).where(Handoff.ticket_id == ticket_id, Handoff.state.in_(("open", "claimed")))
    return session.scalars(query).one_or_none()


def last(session: Session, ticket_id: int) -> Handoff | None:
    """Return the newest handoff of a ticket."""
    query = select(Handoff).where(Handoff.ticket_id == ticket_id).order_by(Handoff.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


def last_id(session: Session, ticket_id: int) -> int | None:
    """Return the id of the newest handoff of a ticket."""
    found = last(session, ticket_id)
    return None if found is None else found.id


def history(session: Session, handoff_id: int) -> Sequence[HandoffMove]:
    """Return the moves of a handoff in order."""
    query = select(HandoffMove).where(HandoffMove.handoff_id == handoff_id).order_by(HandoffMove.id)
    return session.scalars(query).all()


def by_reason(session: Session, *, days: int) -> list[tuple[str, int]]:
    """Return how many handoffs were opened in the last days, by reason, the most frequent first."""
    query = (
        select(Handoff.reason, func.count())
        .where(Handoff.opened_at > now() - timedelta(days=days))
        .group_by(Handoff.reason)
        .order_by(func.count().desc(), Handoff.reason)
    )
    return [(reason, count) for reason, count in session.execute(query)]


def fell_back(session: Session, handoff_id: int) -> None:
    """Note that the queue channel could not take the card, so that it goes on saying so."""
    handoff = session.get_one(Handoff, handoff_id, with_for_update=True)
    handoff.context = {**handoff.context, "fell_back": True}


def refuse(session: Session, handoff_id: int, user: str, *, move: str, why: str) -> None:
    """Write down an attempt that was not allowed; nothing else changes."""
    handoff = session.get(Handoff, handoff_id)
    audit.append(
        session,
        "handoff.refused",
        actor=user,
        ticket_id=handoff.ticket_id if handoff else None,
        handoff=handoff_id,
        move=move,
        why=why,
    )


def _moved(session: Session, handoff_id: int, ticket: Ticket, move: str, actor: str, detail: dict[str, Any]) -> Moved:
    handoff = session.get_one(Handoff, handoff_id, populate_existing=True)
    _note(session, handoff, move, actor, detail)
    return Moved(handoff, ticket)


def _note(session: Session, handoff: Handoff, move: str, actor: str, detail: dict[str, Any]) -> None:
    session.add(HandoffMove(handoff_id=handoff.id, move=move, actor=actor, detail=detail))
    audit.append(session, f"handoff.{move}", actor=actor, ticket_id=handoff.ticket_id, handoff=handoff.id, **detail)


def _refused(session: Session, handoff_id: int) -> NotMoved:
    found = session.execute(select(Handoff.state, Handoff.claimed_by).where(Handoff.id == handoff_id)).one_or_none()
    return NotMoved(*found) if found is not None else NotMoved("unknown", None)

r"""A turn from its lease to its one outcome.

    waiting --begin--> running --finish--> done
                       |   ^
                       \---/ begin again: its lease is over, the attempt before it is fenced off

A ticket has at most one turn that is not done (a partial unique index holds that). Every write of an
attempt is conditional on (turn, attempt): a worker that was given up for dead writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, case, or_, select, update
from sqlalchemy.orm import Session

from bot.store import tickets
from bot.store.schema import InboxEvent, Ticket, Turn, now

AGAIN_SECONDS = 5.0
"Between two puttings back of a turn whose worker has died."


class Fenced(Exception):
    """This attempt was given up for dead and another has the turn: stop, write nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a turn by one worker."""

    turn_id: int
    number: int
    worker: str
    ticket: Ticket
    started_at: datetime
    failures: int
    "Attempts before this one whose worker died or crashed."


def begin(session: Session, turn_id: int, *, worker: str, lease: float) -> Attempt | None:
    """Take a turn for an attempt, or None when it is done or another worker has it.

    Args:
        session: the open write transaction.
        turn_id: the turn.
        worker: who takes it.
        lease: seconds until another may take it unless it is renewed.
    """
    at = now()
    free = or_(Turn.state == "waiting", and_(Turn.state == "running", Turn.lease_until < at))
    number = session.execute(
        update(Turn)
        .where(Turn.id == turn_id, free)
        .values(
            state="running",
            attempt=Turn.attempt + 1,
            failures=Turn.failures + case((Turn.state == "running", 1), else_=0),
            lease_owner=worker,
            lease_until=at + timedelta(seconds=lease),
            started_at=at,
        )
        .returning(Turn.attempt)
    ).scalar_one_or_none()
    if number is None:
        return None
    turn = session.get_one(Turn, turn_id)
    return Attempt(turn_id, number, worker, session.get_one(Ticket, turn.ticket_id), at, turn.failures)


def renew(session: Session, attempt: Attempt, *, lease: float) -> None:
    """Show a sign of life.

    Raises:
        Fenced: another attempt has the turn.
    """
    done = session.execute(
        update(Turn)
        .where(Turn.id == attempt.turn_id, Turn.attempt == attempt.number, Turn.state == "running")
        .values(lease_until=now() + timedelta(seconds=lease))
        .returning(Turn.id)
    ).scalar_one_or_none()
    if done is None:
        raise Fenced(f"turn {attempt.turn_id}: attempt {attempt.number} was given up")


def stop(session: Session, ticket_id: int) -> int | None:
    """End the ticket's turn without an answer, as its requester asked; return it, or None if none is under way.

    The attempt that works on it is fenced off and writes nothing any more. What was parked behind it ends
    with it, and is read by whoever has the ticket next.
    """
    tickets.lock(session, ticket_id)
    stopped = session.execute(
        update(Turn)
        .where(Turn.ticket_id == ticket_id, Turn.state != "done")
        .values(state="done", outcome="withdrawn", attempt=Turn.attempt + 1, finished_at=now())
        .returning(Turn.id)
    ).scalar_one_or_none()
    if stopped is not None:
        _fold(_parked(session, ticket_id), stopped)
    return stopped


def put_back(session: Session, attempt: Attempt, *, after: float) -> None:
    """Give a turn back: this attempt ended for a passing reason, and is worth another after so many seconds."""
    session.execute(
        update(Turn)
        .where(Turn.id == attempt.turn_id, Turn.attempt == attempt.number, Turn.state == "running")
        .values(state="waiting", lease_owner=None, lease_until=None, queued_at=now() + timedelta(seconds=after))
    )


def finish(
    session: Session,
    attempt: Attempt,
    *,
    outcome: str,
    reason: str | None,
    category: str | None,
    release: str,
) -> int | None:
    """End a turn with its one outcome; return the id of the next turn when messages were parked behind a reply.

    Behind any other outcome they are a person's, see `parked_for_people`.

    Raises:
        Fenced: another attempt has the turn; nothing is written.
    """
    ticket = tickets.lock(session, attempt.ticket.id)
    done = session.execute(
        update(Turn)
        .where(Turn.id == attempt.turn_id, Turn.attempt == attempt.number, Turn.state == "running")
        .values(
            state="done",
            outcome=outcome,
            reason=reason,
            category=category,
            release=release,
            finished_at=now(),
        )
        .returning(Turn.id)
    ).scalar_one_or_none()
    if done is None:
        raise Fenced(f"turn {attempt.turn_id}: attempt {attempt.number} was given up")
    parked = _parked(session, ticket.id)
    if not parked or outcome != "reply":
        return None
    following = tickets.open_turn(session, ticket.id)
    _fold(parked, following.id)
    return following.id


def parked_for_people(session: Session, ticket_id: int) -> Sequence[InboxEvent]:
    """Turn messages that were parked behind a handed-off turn into ones for people; return them."""
    events = _parked(session, ticket_id)
    for event in events:
        event.state = "relayed"
    return events


def owed(session: Session, *, waiting_for: float) -> Sequence[int]:
    """Return turns that a crash left: waiting so many seconds since they were queued, or past their lease.

    They are locked for this transaction; those that another sweep has locked are left to it.
    """
    at = now()
    stale = at - timedelta(seconds=waiting_for)
    ended = at - timedelta(seconds=AGAIN_SECONDS)
    query = select(Turn.id).where(
        or_(
            and_(Turn.state == "waiting", or_(Turn.queued_at.is_(None), Turn.queued_at < stale)),
            and_(Turn.state == "running", Turn.lease_until < at, or_(Turn.queued_at.is_(None), Turn.queued_at < ended)),
        )
    )
    return session.scalars(query.order_by(Turn.id).limit(500).with_for_update(skip_locked=True)).all()


def queued(session: Session, turn_ids: Sequence[int]) -> None:
    """Note that these turns have just gone to the queue."""
    session.execute(update(Turn).where(Turn.id.in_(turn_ids)).values(queued_at=now()))


def hold(session: Session, attempt: Attempt) -> None:
    """Lock the turn for this transaction, so that no other attempt can begin before it ends."""
    query = select(Turn.attempt).where(Turn.id == attempt.turn_id, Turn.state == "running").with_for_update()
    if session.scalars(query).one_or_none() != attempt.number:
        raise Fenced(f"turn {attempt.turn_id}: attempt {attempt.number} was given up")


def _parked(session: Session, ticket_id: int) -> Sequence[InboxEvent]:
    query = select(InboxEvent).where(InboxEvent.ticket_id == ticket_id, InboxEvent.state == "parked")
    return session.scalars(query.order_by(InboxEvent.id)).all()


def _fold(parked: Sequence[InboxEvent], turn_id: int) -> None:
    for event in parked:
        event.turn_id, event.state = turn_id, "accepted"

r"""A turn from its lease to its one outcome.

    waiting --begin--> running --finish--> done
       ^               |   ^ |
       |               \---/ | begin again: the lease has expired, the attempt before is fenced off
       \--- put back, or suspended until a person has decided (`suspended_turns`)

A ticket has at most one turn that is not done (a partial unique index ensures it). Every write of an attempt is
conditional on (turn, attempt), so that a worker whose lease expired writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import and_, bindparam, case, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Handoff, InboxEvent, Step, Ticket, Turn, TurnOutcome, TurnState, now
from bot.store.sql import prebuilt
from bot.store.tickets import ticket_messages, tickets, waiting_messages
from bot.telemetry import metrics, spans, turn_record

ANSWERED = frozenset({TurnOutcome.REPLY, TurnOutcome.REFUSED, TurnOutcome.LINKED})
"Outcomes after which the conversation goes on with the agent."
metrics.start_at_zero(metrics.REQUESTS, TurnOutcome)
_BEGIN = (
    update(Turn)
    .where(
        Turn.id == bindparam("turn"),
        or_(Turn.state == TurnState.WAITING, and_(Turn.state == TurnState.RUNNING, Turn.lease_until < bindparam("at"))),
        ~Turn.held_back,
        Turn.suspended_at.is_(None),
    )
    .values(
        state=TurnState.RUNNING,
        attempt=Turn.attempt + 1,
        failures=Turn.failures + case((Turn.state == TurnState.RUNNING, 1), else_=0),
    )
    .returning(Turn.attempt, Turn.ticket_id, Turn.created_at, Turn.failures, Turn.waits, Turn.waited_seconds)
)
_IS_OURS = and_(Turn.id == bindparam("turn"), Turn.attempt == bindparam("number"), Turn.state == TurnState.RUNNING)
_FINISH = update(Turn).where(_IS_OURS).values(state=TurnState.DONE).returning(Turn.id)
_HAD_TURNS = exists().where(Turn.ticket_id == Ticket.id, Turn.id < bindparam("turn"))
_HAD_HANDOFFS = exists().where(Handoff.ticket_id == Ticket.id)
_TICKET = select(Ticket, _HAD_TURNS, _HAD_HANDOFFS).where(Ticket.id == bindparam("ticket"))
_HANDOFFS = select(Handoff).where(Handoff.ticket_id == bindparam("ticket")).order_by(Handoff.id)
_ANSWERED = select(Step).where(Step.turn_id == bindparam("turn"), Step.response.is_not(None))
_LATELY = and_(Turn.ticket_id == bindparam("ticket"), Turn.created_at > bindparam("since"))
_COUNT_SINCE = select(func.count()).select_from(Turn).where(_LATELY)
_NO_JOB = or_(Turn.queued_at.is_(None), Turn.queued_at < bindparam("queued_before"))
_DEAD = and_(Turn.state == TurnState.RUNNING, Turn.lease_until < bindparam("at"))
_IDLE = and_(Turn.state == TurnState.WAITING, ~Turn.held_back, Turn.suspended_at.is_(None))
_LOST = or_(and_(_IDLE, _NO_JOB), and_(_DEAD, or_(_NO_JOB, Turn.queued_at <= Turn.started_at)))
_TO_REQUEUE = select(Turn.id).where(_LOST).order_by(Turn.id).limit(500).with_for_update(skip_locked=True)
_HOLD = select(Turn.attempt, Turn.state, Turn.outcome).where(Turn.id == bindparam("turn")).with_for_update()


class Fenced(Exception):
    """This attempt has lost its turn: stop, write nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a turn by one worker, with the rows that the turn needs, read once.

    They stay true as long as the attempt may write: later messages are parked, an edit or a deletion fences the attempt
    off, and no handoff is opened or moved while the agent has the ticket.
    """

    turn_id: int
    number: int
    worker: str
    ticket: Ticket
    accepted_at: datetime
    "When the turn was opened."
    started_at: datetime
    failures: int
    "Number of earlier attempts whose worker died or crashed."
    waits: int
    "Number of earlier attempts that found no room under a budget."
    heard: Sequence[InboxEvent] = field(hash=False)
    "The messages that the turn answers, in the order they were said."
    handoffs: Sequence[Handoff] = field(hash=False)
    "The handoffs of its ticket, the oldest first."
    journal: Mapping[int, Step] = field(hash=False)
    "The steps that earlier attempts finished, by their number; they are replayed."
    waited: timedelta = timedelta()
    "How long the turn has waited for approvals."
    is_first: bool = False
    "Whether its ticket had no turn and no handoff before: neither the agent nor a responder has said anything in it."

    @property
    def working(self) -> timedelta:
        """Return for how long the turn has been the agent's, now: since it was opened, but for its approvals."""
        return now() - self.accepted_at - self.waited

    @property
    def last_handoff(self) -> Handoff | None:
        """Return the newest handoff of the ticket."""
        return self.handoffs[-1] if self.handoffs else None

    @property
    def heard_root(self) -> InboxEvent | None:
        """Return the message that began the ticket's thread, if it is one of those that the turn answers."""
        place = (self.ticket.channel, self.ticket.thread_ts)
        return next((one for one in self.heard if (one.channel, one.ts) == place), None)


def begin(session: Session, turn_id: int, *, worker: str, lease: float) -> Attempt | None:
    """Begin an attempt at a turn and read what it needs; None: the turn is done, or another worker has it.

    Args:
        session: the open write transaction.
        turn_id: the turn.
        worker: who takes it.
        lease: seconds after which another worker may take it, unless it is renewed.
    """
    at = now()
    taken = {"lease_owner": worker, "lease_until": at + timedelta(seconds=lease), "started_at": at}
    begun = prebuilt.rows(session, _BEGIN, turn=turn_id, at=at, **taken).one_or_none()
    if begun is None:
        return None
    number, ticket_id, accepted_at, failures, waits, waited = begun
    ticket, had_turns, had_handoffs = session.execute(_TICKET, {"ticket": ticket_id, "turn": turn_id}).one()
    answered = session.scalars(_ANSWERED, {"turn": turn_id}) if number > 1 else ()
    return Attempt(
        turn_id,
        number,
        worker,
        ticket,
        accepted_at,
        at,
        failures,
        waits,
        heard=ticket_messages.messages_of(session, turn_id),
        handoffs=session.scalars(_HANDOFFS, {"ticket": ticket_id}).all() if had_handoffs else (),
        journal={step.seq: step for step in answered},
        waited=timedelta(seconds=waited),
        is_first=not had_turns and not had_handoffs,
    )


def renew(session: Session, attempts: Collection[Attempt], *, lease: float) -> set[tuple[int, int]]:
    """Renew the leases of these attempts; return (turn, attempt) of those that still have their turn."""
    if not attempts:
        return set()
    kept = session.execute(
        update(Turn)
        .where(tuple_(Turn.id, Turn.attempt).in_([(one.turn_id, one.number) for one in attempts]))
        .where(Turn.state == TurnState.RUNNING)
        .values(lease_until=now() + timedelta(seconds=lease))
        .returning(Turn.id, Turn.attempt)
    )
    return {(turn_id, number) for turn_id, number in kept}


def stop(session: Session, ticket_id: int) -> int | None:
    """End the ticket's turn without an answer; return its id, or None if none is under way.

    The attempt at it is fenced off and writes nothing more. Messages that were parked behind it end with it; they are
    read as part of the conversation.
    """
    tickets.lock(session, ticket_id)
    stopped = session.execute(
        update(Turn)
        .where(Turn.ticket_id == ticket_id, Turn.state != TurnState.DONE)
        .values(state=TurnState.DONE, outcome=TurnOutcome.WITHDRAWN, attempt=Turn.attempt + 1, finished_at=now())
        .returning(Turn.id)
    ).scalar_one_or_none()
    if stopped is not None:
        db.after_commit(session, partial(metrics.turn_ended, TurnOutcome.WITHDRAWN, seconds=None, model_calls=0))
        waiting_messages.fold(waiting_messages.parked(session, ticket_id), stopped)
    return stopped


def is_played(session: Session, ticket_id: int) -> bool:
    """Return whether a worker whose lease holds plays a turn of a ticket."""
    played = and_(Turn.state == TurnState.RUNNING, Turn.lease_until >= now())
    return session.scalar(select(Turn.id).where(Turn.ticket_id == ticket_id, played)) is not None


def was_stopped(session: Session, attempt: Attempt) -> bool:
    """Return whether the turn was stopped during this attempt."""
    turn = session.get_one(Turn, attempt.turn_id)
    return turn.outcome is TurnOutcome.WITHDRAWN and turn.attempt == attempt.number + 1


def ticket_of(session: Session, turn_id: int) -> Ticket:
    """Return the ticket of a turn."""
    return session.get_one(Ticket, session.get_one(Turn, turn_id).ticket_id)


def is_under_way(session: Session, ticket_id: int) -> bool:
    """Return whether a turn of a ticket waits or is played."""
    return session.scalar(select(Turn.id).where(Turn.ticket_id == ticket_id, Turn.state != TurnState.DONE)) is not None


def put_back(session: Session, attempt: Attempt, *, after: float, no_room: bool = False) -> None:
    """Put a turn back after a temporary failure, for another attempt in `after` seconds.

    Args:
        session: the open write transaction.
        attempt: the attempt that failed.
        after: seconds until the next one.
        no_room: it failed because a budget had no room; such attempts are counted.
    """
    session.execute(
        update(Turn)
        .where(Turn.id == attempt.turn_id, Turn.attempt == attempt.number, Turn.state == TurnState.RUNNING)
        .values(
            state=TurnState.WAITING,
            waits=Turn.waits + int(no_room),
            lease_owner=None,
            lease_until=None,
            queued_at=now() + timedelta(seconds=after),
        )
    )


def finish(
    session: Session,
    attempt: Attempt,
    *,
    outcome: TurnOutcome,
    reason: str | None,
    category: str | None,
    release: str,
) -> int | None:
    """End a turn with its one outcome; return the id of the next turn if messages were parked behind an answer.

    After any other outcome parked messages are for people, see `waiting_messages.parked_for_people`.

    Raises:
        Fenced: another attempt has the turn; nothing is written.
    """
    tickets.hold(session, attempt.ticket.id)
    end = {"outcome": outcome, "reason": reason, "category": category, "release": release, "finished_at": now()}
    done = prebuilt.rows(session, _FINISH, turn=attempt.turn_id, number=attempt.number, **end).scalar_one_or_none()
    if done is None:
        raise Fenced(f"turn {attempt.turn_id}: attempt {attempt.number} was given up")
    seconds, calls = attempt.working.total_seconds(), turn_record.model_calls()
    db.after_commit(session, partial(metrics.turn_ended, outcome, seconds=seconds, model_calls=calls))
    ended = partial(spans.turn_ended, attempt.turn_id, outcome=outcome, reason=reason, accepted_at=attempt.accepted_at)
    db.after_commit(session, partial(ended, waited=attempt.waited))
    waiting = waiting_messages.parked(session, attempt.ticket.id)
    if not waiting or outcome not in ANSWERED:
        return None
    following = tickets.open_turn(session, attempt.ticket.id)
    waiting_messages.fold(waiting, following.id)
    return following.id


def to_requeue(session: Session, *, queued_before: datetime) -> Sequence[int]:
    """Return the ids of turns that are in no queue and should be: waiting, or running with an expired lease.

    They are locked for this transaction; turns that another sweep has locked are left out.

    Args:
        session: the open write transaction.
        queued_before: a job that was queued before that time counts as lost.
    """
    return prebuilt.rows(session, _TO_REQUEUE, queued_before=queued_before, at=now()).scalars().all()


def count_since(session: Session, ticket_id: int, *, since: datetime) -> int:
    """Return the number of a ticket's turns that were opened since a time."""
    return prebuilt.rows(session, _COUNT_SINCE, ticket=ticket_id, since=since).scalar_one()


def mark_queued(session: Session, turn_ids: Sequence[int]) -> None:
    """Mark these turns as queued now."""
    session.execute(update(Turn).where(Turn.id.in_(turn_ids)).values(queued_at=now()))


def hold(session: Session, attempt: Attempt, *, even_stopped: bool = False) -> None:
    """Lock an attempt's turn for this transaction, so that no other attempt can begin before it ends.

    Args:
        session: the open write transaction.
        attempt: the attempt.
        even_stopped: allow it if the turn was stopped, so that the result of a call under way can be written down.

    Raises:
        Fenced: the attempt no longer has the turn.
    """
    number, state, outcome = prebuilt.rows(session, _HOLD, turn=attempt.turn_id).one()
    held = state is TurnState.RUNNING and number == attempt.number
    if not held and not (even_stopped and (state, outcome) == (TurnState.DONE, TurnOutcome.WITHDRAWN)):
        raise Fenced(f"turn {attempt.turn_id}: attempt {attempt.number} was given up")


def backdate(session: Session, turn_ids: Collection[int], span: timedelta) -> None:
    """Move the ends of turns back in time, for a demo."""
    for turn in session.scalars(select(Turn).where(Turn.id.in_(turn_ids), Turn.finished_at.is_not(None))):
        turn.finished_at = turn.finished_at and turn.finished_at - span

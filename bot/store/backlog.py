"""Work that is not done yet, counted from SQL alone: a few statements, each answered by an index.

It is for operators to read; `jobs.upkeep` and `jobs.handoff` find and do what is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import durations
from bot.store.handoffs import handoffs
from bot.store.schema import (
    Handoff,
    HandoffState,
    InboxEvent,
    InboxState,
    LedgerRow,
    LedgerState,
    Message,
    MessageKind,
    MessageState,
    Surge,
    SurgeCause,
    Turn,
    TurnState,
    UtcDateTime,
    now,
)
from bot.store.tickets import inbox_commands

MOST_LANES = 10
AGES = {
    "under 5 min": timedelta(minutes=5),
    "5 to 30 min": timedelta(minutes=30),
    "30 min to 2 h": timedelta(hours=2),
}
OLDER = "over 2 h"
"Spans of time by which open handoffs are counted, the shortest first."


@dataclass(frozen=True, slots=True)
class BacklogCount:
    """The number of things of one kind."""

    count: int
    late: int
    "How many of them have been due for too long."
    oldest: datetime | None
    "UTC; None if there are none."


@dataclass(frozen=True, slots=True)
class WorkerTurns:
    """The turns that one worker plays."""

    worker: str
    turns: int
    ended: int
    "How many of them have an expired lease, so that another worker may take them."
    first_ends_at: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """Messages that wait to be sent one after another."""

    name: str
    messages: int
    oldest: datetime
    tries: int
    "The highest number of tries at one of them."


@dataclass(frozen=True, slots=True)
class Backlog:
    """All work that is not done yet."""

    at: datetime
    waiting: BacklogCount
    "Turns that no worker has, but for those that wait for an approval: nobody's work is behind."
    running: BacklogCount
    "Late means that the lease has expired."
    leases: tuple[WorkerTurns, ...]
    stored: BacklogCount
    "Messages that were not sent yet, or that Slack did not take."
    sending: BacklogCount
    "Messages with a sender. Late means that the sender's lease has expired."
    updates: BacklogCount
    "Messages in Slack that have to be updated."
    failed: BacklogCount
    "Messages that Slack will never take; none of them counts as late."
    lanes: tuple[Lane, ...]
    "The lanes whose stored or sending messages have waited longest."
    handoffs: BacklogCount
    "Open or claimed handoffs. Late means that the card is not in Slack after some seconds."
    money: BacklogCount
    "Model calls whose cost is not known yet. Late means that the lease has expired."
    commands: BacklogCount
    "Slash commands and shortcuts that are not answered and that Slack still takes an answer for."


@dataclass(frozen=True, slots=True)
class HandoffCount:
    """The handoffs in one state that last came to be open in one span of time."""

    state: HandoffState
    age: str
    "A label of `AGES`, or `OLDER`."
    count: int
    oldest: datetime


def handoffs_by_age(session: Session) -> tuple[HandoffCount, ...]:
    """Count the handoffs that are not closed, by state and by how long ago they last came to be open."""
    at = now()
    age = case(*((Handoff.open_since > at - span, label) for label, span in AGES.items()), else_=OLDER).label("age")
    rows = session.execute(
        select(Handoff.state, age, func.count(), func.min(Handoff.open_since, type_=UtcDateTime()))
        .where(handoffs.ACTIVE)
        .group_by(Handoff.state, age)
    )
    return tuple(HandoffCount(HandoffState(state), label, count, oldest) for state, label, count, oldest in rows)


def surges_under_way(session: Session) -> dict[SurgeCause, int]:
    """Count the surges that are not over, by what their tickets have in common."""
    rows = session.execute(select(Surge.cause, func.count()).where(Surge.over_at.is_(None)).group_by(Surge.cause))
    return {SurgeCause(cause): count for cause, count in rows}


def read(session: Session) -> Backlog:
    """Count the work that is not done yet."""
    at = now()
    waiting, running, leases = _turns(session, at)
    messages = _messages(session, at)
    return Backlog(
        at=at,
        waiting=waiting,
        running=running,
        leases=leases,
        stored=messages.get(MessageState.STORED, NOTHING),
        sending=messages.get(MessageState.SENDING, NOTHING),
        updates=messages.get(MessageState.POSTED, NOTHING),
        failed=messages.get(MessageState.FAILED, NOTHING),
        lanes=_lanes(session),
        handoffs=_handoffs(session, at),
        money=_money(session, at),
        commands=_commands(session, at),
    )


NOTHING = BacklogCount(0, 0, None)


def _turns(session: Session, at: datetime) -> tuple[BacklogCount, BacklogCount, tuple[WorkerTurns, ...]]:
    """Return waiting turns, running turns and their workers; one statement, so that the numbers agree."""
    is_running = Turn.state == TurnState.RUNNING
    worker = case((is_running, func.coalesce(Turn.lease_owner, "nobody")))
    queued = func.coalesce(Turn.queued_at, Turn.created_at)
    rows = session.execute(
        select(
            worker,
            func.count(),
            _count(case((is_running, Turn.lease_until < at), else_=and_(~Turn.held_back, queued < _late(at)))),
            func.min(case((is_running, Turn.started_at), else_=Turn.created_at), type_=UtcDateTime()),
            func.min(Turn.lease_until, type_=UtcDateTime()),
        )
        .where(Turn.state.in_((TurnState.WAITING, TurnState.RUNNING)), Turn.suspended_at.is_(None))
        .group_by(worker)
        .order_by(worker)
    ).all()
    running = [BacklogCount(count, late, oldest) for holder, count, late, oldest, _ in rows if holder]
    waiting = [BacklogCount(count, late, oldest) for holder, count, late, oldest, _ in rows if not holder]
    leases = tuple(WorkerTurns(holder, count, late, until) for holder, count, late, _, until in rows if holder)
    return _sum(waiting), _sum(running), leases


def _messages(session: Session, at: datetime) -> dict[MessageState, BacklogCount]:
    """Return by state the messages that Slack does not show as it should."""
    rows = session.execute(
        select(Message.state, func.count(), _count(Message.due_at < _late(at)), func.min(Message.created_at))
        # A message that was never sent has shown no revision, so one small index holds all of these.
        .where(Message.revision > Message.shown_revision, Message.state != MessageState.WITHDRAWN)
        .group_by(Message.state)
    ).all()
    return {
        state: BacklogCount(count, 0 if state is MessageState.FAILED else late, oldest)
        for state, count, late, oldest in rows
    }


def _lanes(session: Session) -> tuple[Lane, ...]:
    oldest = func.min(Message.created_at)
    rows = session.execute(
        select(Message.lane, func.count(), oldest, func.max(Message.attempts))
        .where(
            Message.revision > Message.shown_revision, Message.state.in_((MessageState.STORED, MessageState.SENDING))
        )
        .group_by(Message.lane)
        .order_by(oldest, Message.lane)
        .limit(MOST_LANES)
    ).all()
    return tuple(Lane(name, count, since, tries) for name, count, since, tries in rows)


def _handoffs(session: Session, at: datetime) -> BacklogCount:
    carded = exists().where(
        Message.handoff_id == Handoff.id, Message.kind == MessageKind.CARD, Message.state == MessageState.POSTED
    )
    late = and_(Handoff.opened_at < _late(at), ~carded)
    return _counted(session, handoffs.ACTIVE, since=Handoff.open_since, late=late)


def _money(session: Session, at: datetime) -> BacklogCount:
    return _counted(session, LedgerRow.state == LedgerState.SENT, since=LedgerRow.at, late=LedgerRow.lease_until < at)


def _commands(session: Session, at: datetime) -> BacklogCount:
    answerable = and_(
        InboxEvent.kind.in_(inbox_commands.ANSWERED),
        InboxEvent.state == InboxState.ACCEPTED,
        InboxEvent.received_at > at - timedelta(seconds=durations.COMMAND_GIVE_UP),
    )
    return _counted(session, answerable, since=InboxEvent.received_at, late=InboxEvent.received_at < _late(at))


def _counted(
    session: Session,
    which: ColumnElement[bool],
    *,
    since: InstrumentedAttribute[datetime],
    late: ColumnElement[bool],
) -> BacklogCount:
    count, late_ones, oldest = session.execute(select(func.count(), _count(late), func.min(since)).where(which)).one()
    return BacklogCount(count, late_ones, oldest)


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((which, 1)))


def _sum(counts: Sequence[BacklogCount]) -> BacklogCount:
    oldest = min((one.oldest for one in counts if one.oldest is not None), default=None)
    return BacklogCount(sum(one.count for one in counts), sum(one.late for one in counts), oldest)


def _late(at: datetime) -> datetime:
    return at - timedelta(seconds=durations.RECOVERY)

"""What is owed at this moment, counted from SQL alone: a few statements, each by an index.

Nothing here decides anything; what is due is found and done by `jobs.upkeep` and `jobs.handoff`.
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
    InboxEvent,
    InboxState,
    LedgerRow,
    LedgerState,
    Message,
    MessageKind,
    MessageState,
    Turn,
    TurnState,
    UtcDateTime,
    now,
)
from bot.store.tickets import inbox_commands

MOST_LANES = 10


@dataclass(frozen=True, slots=True)
class BacklogCount:
    """So many things of one kind."""

    count: int
    late: int
    "Of them: due for longer than they should be."
    oldest: datetime | None
    "UTC; None when there are none."


@dataclass(frozen=True, slots=True)
class WorkerTurns:
    """The turns that one worker has in hand."""

    worker: str
    turns: int
    ended: int
    "Of them: past their lease, so that another worker may take them."
    first_ends_at: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """Messages that wait to be said one after another."""

    name: str
    messages: int
    oldest: datetime
    tries: int
    "Most tries at one of them."


@dataclass(frozen=True, slots=True)
class Backlog:
    """Everything that somebody still waits for."""

    at: datetime
    waiting: BacklogCount
    "Turns that no worker has."
    running: BacklogCount
    "Late is one whose lease is over."
    leases: tuple[WorkerTurns, ...]
    stored: BacklogCount
    "Messages nobody has tried to say yet, or that Slack did not take."
    sending: BacklogCount
    "Late is one whose sender was given up."
    updates: BacklogCount
    "Messages in Slack that show something older than they should."
    failed: BacklogCount
    "Messages that Slack will never take; they wait for nobody."
    lanes: tuple[Lane, ...]
    "Of what is stored and being sent, the lanes that have waited longest."
    handoffs: BacklogCount
    "Open or claimed. Late is one whose card is not in Slack yet, after some seconds."
    money: BacklogCount
    "Model calls without a known cost yet. Late is one whose lease is over."
    commands: BacklogCount
    "Slash commands and shortcuts without an answer that Slack would still take."


def read(session: Session) -> Backlog:
    """Count what is owed now."""
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
    """Return waiting turns, running ones, and who has those; one statement, so one moment."""
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
        .where(Turn.state.in_((TurnState.WAITING, TurnState.RUNNING)))
        .group_by(worker)
        .order_by(worker)
    ).all()
    running = [BacklogCount(count, late, oldest) for holder, count, late, oldest, _ in rows if holder]
    waiting = [BacklogCount(count, late, oldest) for holder, count, late, oldest, _ in rows if not holder]
    leases = tuple(WorkerTurns(holder, count, late, until) for holder, count, late, _, until in rows if holder)
    return _together(waiting), _together(running), leases


def _messages(session: Session, at: datetime) -> dict[MessageState, BacklogCount]:
    """Return by state what Slack does not show as it should."""
    rows = session.execute(
        select(Message.state, func.count(), _count(Message.due_at < _late(at)), func.min(Message.created_at))
        # What was never said has shown no revision: one small index holds all of it.
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
    return _pile(session, handoffs.ACTIVE, since=Handoff.open_since, late=late)


def _money(session: Session, at: datetime) -> BacklogCount:
    return _pile(session, LedgerRow.state == LedgerState.SENT, since=LedgerRow.at, late=LedgerRow.lease_until < at)


def _commands(session: Session, at: datetime) -> BacklogCount:
    answerable = and_(
        InboxEvent.kind.in_(inbox_commands.ANSWERED),
        InboxEvent.state == InboxState.ACCEPTED,
        InboxEvent.received_at > at - timedelta(seconds=durations.COMMAND_GIVE_UP),
    )
    return _pile(session, answerable, since=InboxEvent.received_at, late=InboxEvent.received_at < _late(at))


def _pile(
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


def _together(piles: Sequence[BacklogCount]) -> BacklogCount:
    oldest = min((pile.oldest for pile in piles if pile.oldest is not None), default=None)
    return BacklogCount(sum(pile.count for pile in piles), sum(pile.late for pile in piles), oldest)


def _late(at: datetime) -> datetime:
    return at - timedelta(seconds=durations.RECOVERY)

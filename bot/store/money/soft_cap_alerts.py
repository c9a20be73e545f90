"""Soft caps that were passed: stored once in a window, then people are alerted.

Invariant: there is one row for a budget key and a percentage, even if many calls pass the cap at once or Redis has lost
its data.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session, aliased

from bot.store import db
from bot.store.schema import BudgetNotice, Message, MessageKind, MessageState, now
from bot.store.sql import prebuilt

_OF_TURN = select(BudgetNotice.id).where(BudgetNotice.turn_id == bindparam("turn")).order_by(BudgetNotice.id)


def passed(session: Session, *, account: str, percent: int, **facts: object) -> bool:
    """Store that a soft cap was passed; return False if that is known."""
    return db.insert_new(session, BudgetNotice, account=account, percent=percent, **facts) is not None


def read(session: Session, notice_id: int) -> BudgetNotice:
    """Return an existing soft-cap alert."""
    return session.get_one(BudgetNotice, notice_id)


def of_turn(session: Session, turn_id: int) -> Sequence[BudgetNotice]:
    """Return the soft caps that the calls of a turn passed."""
    found = prebuilt.rows(session, _OF_TURN, turn=turn_id).scalars().all()
    return [read(session, notice_id) for notice_id in found]


def untold(session: Session) -> Sequence[BudgetNotice]:
    """Return the soft-cap alerts that nobody has been told of, the oldest first."""
    return session.scalars(select(BudgetNotice).where(BudgetNotice.told_at.is_(None)).order_by(BudgetNotice.id)).all()


def lane(notice_id: int) -> str:
    """Return the lane of an alert's messages, which go to one person after another until one is delivered."""
    return f"notice:{notice_id}"


def undelivered(session: Session) -> list[tuple[BudgetNotice, Collection[str]]]:
    """Return the alerts of running windows that reached nobody, each with the Slack user ids that were tried."""
    other = aliased(Message)
    reached = exists().where(other.lane == Message.lane, other.state != MessageState.FAILED)
    failed = select(Message.lane, Message.channel).where(
        Message.state == MessageState.FAILED, Message.kind == MessageKind.SOFT_CAP_ALERT, ~reached
    )
    tried: dict[int, set[str]] = defaultdict(set)
    for name, user in session.execute(failed):
        tried[int(name.rpartition(":")[2])].add(user)
    running = select(BudgetNotice).where(BudgetNotice.id.in_(tried), BudgetNotice.resets_at > now())
    return [(notice, tried[notice.id]) for notice in session.scalars(running.order_by(BudgetNotice.id))]


def mark_told(session: Session, notice_id: int, *, at: datetime | None = None) -> bool:
    """Note, in the transaction that tells people, that they are told; return False if they already were."""
    won = session.execute(
        update(BudgetNotice)
        .where(BudgetNotice.id == notice_id, BudgetNotice.told_at.is_(None))
        .values(told_at=at or now())
        .returning(BudgetNotice.id)
    )
    return won.scalar_one_or_none() is not None

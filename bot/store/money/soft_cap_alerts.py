"""Soft caps that were passed: written down once in a window, then told.

Invariant: for one account and one percentage there is one row, however many calls pass it at once, and
whatever Redis has forgotten.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from bot.store import db
from bot.store.schema import BudgetNotice, Message, MessageKind, MessageState, now

"Of the messages that tell."


def passed(session: Session, *, account: str, percent: int, **facts: object) -> bool:
    """Write down that an account has passed a soft cap; say if nobody had seen it before."""
    return db.insert_new(session, BudgetNotice, account=account, percent=percent, **facts) is not None


def read(session: Session, notice_id: int) -> BudgetNotice:
    """Return a soft cap that was passed."""
    return session.get_one(BudgetNotice, notice_id)


def of_turn(session: Session, turn_id: int) -> Sequence[BudgetNotice]:
    """Return the soft caps that the calls of a turn have passed."""
    return session.scalars(select(BudgetNotice).where(BudgetNotice.turn_id == turn_id).order_by(BudgetNotice.id)).all()


def untold(session: Session) -> Sequence[BudgetNotice]:
    """Return those that nobody has been told of, the oldest first."""
    return session.scalars(select(BudgetNotice).where(BudgetNotice.told_at.is_(None)).order_by(BudgetNotice.id)).all()


def lane(notice_id: int) -> str:
    """Return the lane in which people are told, one after the other until it reaches one."""
    return f"notice:{notice_id}"


def unheard(session: Session) -> list[tuple[BudgetNotice, Collection[str]]]:
    """Return those of running windows that have reached nobody, with the Slack ids of whom they were written to."""
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


def told(session: Session, notice_id: int, *, at: datetime | None = None) -> bool:
    """Note, in the transaction that says it, that people are told; say if this was the call that did it."""
    won = session.execute(
        update(BudgetNotice)
        .where(BudgetNotice.id == notice_id, BudgetNotice.told_at.is_(None))
        .values(told_at=at or now())
        .returning(BudgetNotice.id)
    )
    return won.scalar_one_or_none() is not None

r"""Reviews of hard caps: opened by the first call that does not fit, decided once by the budget's owner.

    open --decide--> raised (by an amount, until the window ends) | denied
       |               \--let_go_on--> the agent goes on with what waits (`bot.store.money.after_raise`)
       |--end_expired--> ended (the window was over first)
       \--outdate--> changed (the budget file was changed first)

Invariant: a budget key has at most one open review, and none for a limit that was denied in its window; a raise counts
only in the window that it was decided for. Every decision is conditional and has its audit record in its transaction.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.schema import BudgetNotice, BudgetReview, ReviewState, now
from bot.store.sql import prebuilt

Decision = Literal[ReviewState.RAISED, ReviewState.DENIED]

_COUNTS = or_(BudgetReview.applied_at.is_(None), BudgetReview.resets_at > bindparam("at"))
_UNDER_WAY = select(
    or_(
        exists().where(BudgetReview.state == ReviewState.OPEN),
        exists().where(BudgetReview.told_at.is_(None)),
        exists().where(and_(BudgetReview.state == ReviewState.RAISED, _COUNTS)),
        exists().where(BudgetNotice.told_at.is_(None)),
    )
)
_RAISED = select(func.coalesce(func.sum(BudgetReview.raised_nusd), 0)).where(
    BudgetReview.account == bindparam("key"), BudgetReview.state == ReviewState.RAISED
)


@dataclass(frozen=True, slots=True)
class Decided:
    """What the owner of a budget decided in one window."""

    raised_nusd: int
    waiting: bool
    "A review is open."
    denied: bool


def open_for(
    session: Session,
    *,
    account: str,
    window_start: datetime,
    limit_nusd: int,
    raised_before_nusd: int = 0,
    **facts: object,
) -> int | None:
    """Open the review of a hard cap; return its id, or None if one is open or this limit was decided already.

    Args:
        session: the open write transaction.
        account: the budget key.
        window_start: start of its window.
        limit_nusd: the limit in force when the call was refused.
        raised_before_nusd: the part of that limit that the owner had added.
        facts: further columns of the review.
    """
    known: dict[str, Any] = {"account": account, "window_start": window_start, "limit_nusd": limit_nusd}
    if _is_decided(session, **known, raised_before_nusd=raised_before_nusd):
        return None
    number = db.insert_new(session, BudgetReview, **known, **facts)
    # If another review was open, the insert has waited for its decision, so it is checked again.
    if number is not None and _is_decided(session, **known, raised_before_nusd=raised_before_nusd):
        session.execute(delete(BudgetReview).where(BudgetReview.id == number))
        return None
    return number


def find(session: Session, review_id: int) -> BudgetReview | None:
    """Return a review, or None."""
    return session.get(BudgetReview, review_id)


def read(session: Session, review_id: int) -> BudgetReview:
    """Return an existing review."""
    return session.get_one(BudgetReview, review_id)


def read_again(session: Session, review: BudgetReview, *, lock: bool = False) -> None:
    """Reload a review; with `lock`, nobody can decide it before this transaction ends."""
    session.refresh(review, with_for_update=lock)


def raised(session: Session, account: str) -> int:
    """Return by how much the limit of a budget key is raised, in nano-USD; the key contains the window."""
    return int(prebuilt.rows(session, _RAISED, key=account).scalar_one())


def decide(
    session: Session,
    review_id: int,
    *,
    by: str,
    decision: Decision,
    why: str,
    raised_nusd: int = 0,
    goes_on: bool = False,
) -> BudgetReview | None:
    """Raise a cap for the rest of its window, or deny that; return the review, or None if it is too late.

    Args:
        session: the open write transaction.
        review_id: the review.
        by: Slack user id of the owner; the caller has checked that they may.
        decision: raised or denied.
        why: the reason, in the owner's words.
        raised_nusd: what may be spent beyond the limit; above 0 for a raise.
        goes_on: the agent goes on with what waits, once Redis knows of the raise.
    """
    at = now()
    wanted: dict[str, Any] = {"goes_on_by": by, "goes_on_at": at} if goes_on else {}
    won = session.execute(
        update(BudgetReview)
        .where(BudgetReview.id == review_id, BudgetReview.state == ReviewState.OPEN, BudgetReview.resets_at > at)
        .values(state=decision, decided_by=by, decided_at=at, why=why, raised_nusd=raised_nusd, **wanted)
        .returning(BudgetReview.id)
        .execution_options(synchronize_session=False)
    )
    if won.scalar_one_or_none() is None:
        return None
    review = session.get_one(BudgetReview, review_id, populate_existing=True)
    _audit_decision(session, review, decision, why=why, goes_on=goes_on)
    return review


def let_go_on(session: Session, review_id: int, *, by: str) -> BudgetReview | None:
    """Let the agent go on with what waits after a raise; return the review, or None if it was done or is too late.

    Args:
        session: the open write transaction.
        review_id: the review.
        by: Slack user id of the owner; the caller has checked that they may.
    """
    at = now()
    won = session.execute(
        update(BudgetReview)
        .where(BudgetReview.id == review_id, BudgetReview.state == ReviewState.RAISED, BudgetReview.resets_at > at)
        .where(BudgetReview.goes_on_by.is_(None))
        .values(goes_on_by=by, goes_on_at=at)
        .returning(BudgetReview.id)
        .execution_options(synchronize_session=False)
    )
    if won.scalar_one_or_none() is None:
        return None
    review = session.get_one(BudgetReview, review_id, populate_existing=True)
    audit.append(session, "budget.goes_on", actor=by, review=review.id, account=review.account)
    return review


def decided(session: Session, at: datetime) -> dict[tuple[str, str, datetime], Decided]:
    """Return the decisions about budgets by scope, holder and window start, for windows that contain a time."""
    query = select(
        BudgetReview.scope,
        BudgetReview.holder,
        BudgetReview.window_start,
        _sum(BudgetReview.state == ReviewState.RAISED, BudgetReview.raised_nusd),
        _sum(BudgetReview.state == ReviewState.OPEN, 1),
        _sum(BudgetReview.state == ReviewState.DENIED, 1),
    ).where(BudgetReview.window_start <= at, BudgetReview.resets_at > at)
    rows = session.execute(query.group_by(BudgetReview.scope, BudgetReview.holder, BudgetReview.window_start))
    return {
        (scope, holder, start): Decided(int(raised), waiting > 0, denied > 0)
        for scope, holder, start, raised, waiting, denied in rows
    }


def refuse(session: Session, review_id: int, *, by: str, why: str) -> None:
    """Write a refused decision into the audit log: the person may not decide, or it is too late."""
    audit.append(session, "budget.refused", actor=by, review=review_id, why=why)


def end_expired(session: Session, at: datetime) -> Sequence[BudgetReview]:
    """End the open reviews whose window is over, and return them."""
    ended = session.execute(
        update(BudgetReview)
        .where(BudgetReview.state == ReviewState.OPEN, BudgetReview.resets_at <= at)
        .values(state=ReviewState.ENDED, decided_at=at)
        .returning(BudgetReview.id)
        .execution_options(synchronize_session=False)
    )
    return [session.get_one(BudgetReview, found, populate_existing=True) for found in ended.scalars().all()]


def outdate(session: Session, review_id: int) -> BudgetReview | None:
    """End a review whose limit is no longer in force; return it, or None if it was decided before."""
    won = session.execute(
        update(BudgetReview)
        .where(BudgetReview.id == review_id, BudgetReview.state == ReviewState.OPEN)
        .values(state=ReviewState.CHANGED, decided_at=now())
        .returning(BudgetReview.id)
        .execution_options(synchronize_session=False)
    )
    changed = won.scalar_one_or_none() is not None
    return session.get_one(BudgetReview, review_id, populate_existing=True) if changed else None


def any_under_way(session: Session) -> bool:
    """Return whether anything can be due: an open or untold review, a raise that counts, or an untold soft cap."""
    return bool(prebuilt.rows(session, _UNDER_WAY, at=now()).scalar_one())


def untold(session: Session) -> Sequence[BudgetReview]:
    """Return the reviews whose owner has not been asked, the oldest first."""
    return session.scalars(select(BudgetReview).where(BudgetReview.told_at.is_(None)).order_by(BudgetReview.id)).all()


def mark_told(session: Session, review_id: int) -> bool:
    """Note, in the transaction that asks the owner, that they are asked; return False if they already were."""
    return _once(session, review_id, "told_at")


def can_go_on(session: Session) -> Sequence[BudgetReview]:
    """Return the reviews of running windows whose owner was asked and can still let the agent go on."""
    asked = (BudgetReview.told_at.is_not(None), BudgetReview.resets_at > now(), BudgetReview.goes_on_by.is_(None))
    mine = select(BudgetReview).where(BudgetReview.state.in_((ReviewState.OPEN, ReviewState.RAISED)), *asked)
    return session.scalars(mine.order_by(BudgetReview.id)).all()


def unapplied(session: Session) -> Sequence[BudgetReview]:
    """Return the raises that Redis does not know of yet."""
    mine = select(BudgetReview).where(BudgetReview.state == ReviewState.RAISED, BudgetReview.applied_at.is_(None))
    return session.scalars(mine.order_by(BudgetReview.id)).all()


def in_effect(session: Session, since: datetime) -> Sequence[BudgetReview]:
    """Return the raises of running windows that Redis does not know of, or has learned of since a time."""
    mine = (BudgetReview.state == ReviewState.RAISED, BudgetReview.resets_at > now())
    lately = or_(BudgetReview.applied_at.is_(None), BudgetReview.applied_at >= since)
    return session.scalars(select(BudgetReview).where(*mine, lately).order_by(BudgetReview.id)).all()


def mark_applied(session: Session, review_id: int) -> bool:
    """Note that Redis knows of a raise; return False if that was noted before."""
    return _once(session, review_id, "applied_at")


def _audit_decision(session: Session, review: BudgetReview, decision: Decision, *, why: str, goes_on: bool) -> None:
    audit.append(
        session,
        f"budget.{decision}",
        actor=str(review.decided_by),
        subject=review.user,
        ticket_id=review.ticket_id,
        review=review.id,
        account=review.account,
        limit_nusd=review.limit_nusd,
        raised_nusd=review.raised_nusd,
        why_sha256=hashlib.sha256(why.encode()).hexdigest(),  # only the review holds the words
        until=review.resets_at.isoformat(),
        **({"goes_on": True} if goes_on else {}),
    )


def _is_decided(
    session: Session, *, account: str, window_start: datetime, limit_nusd: int, raised_before_nusd: int
) -> bool:
    """Return whether a raise has not reached Redis yet, or a raise of this limit was denied."""
    denied = select(BudgetReview.id).where(
        BudgetReview.account == account,
        BudgetReview.window_start == window_start,
        BudgetReview.limit_nusd == limit_nusd,
        BudgetReview.state == ReviewState.DENIED,
    )
    return raised(session, account) != raised_before_nusd or session.scalar(denied.limit(1)) is not None


def _once(session: Session, review_id: int, column: str) -> bool:
    won = session.execute(
        update(BudgetReview)
        .where(BudgetReview.id == review_id, getattr(BudgetReview, column).is_(None))
        .values({column: now()})
        .returning(BudgetReview.id)
        .execution_options(synchronize_session=False)
    )
    return won.scalar_one_or_none() is not None


def _sum(condition: ColumnElement[bool], value: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, value), else_=0)), 0)

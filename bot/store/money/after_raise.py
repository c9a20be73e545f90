"""Requests that go back to the agent after a raise, and why others stay with people.

Invariant: one raise gives a ticket back to the agent at most once. The number of tickets is counted in the transaction
that gives each back, so the owner reads the true number even if a process dies.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bot.store.schema import BudgetReview, Handoff, ReviewState, now

Why = Literal["used_up", "raised_later", "again", "too_little", "agent"]
"""Why a request stays with people: another budget is used up, or was raised later; the same budget is used up again;
less is left than a step may cost; the agent is not active."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a request stays with people although a budget was raised."""

    why: Why
    scope: str = ""
    "Scope of the other budget, if the cause is one; the next three are its holder and its window."
    holder: str = ""
    window_start: str = ""
    "ISO 8601, UTC."
    resets_at: str = ""


def wanted(session: Session, since: datetime) -> Sequence[int]:
    """Return the ids of raises after which the agent is to go on: their window runs, and Redis knows of the raise.

    Args:
        session: the open transaction.
        since: raises that took effect since then are returned again, for requests that come late.
    """
    mine = select(BudgetReview.id).where(
        BudgetReview.state == ReviewState.RAISED,
        BudgetReview.goes_on_by.is_not(None),
        BudgetReview.applied_at.is_not(None),
        BudgetReview.resets_at > now(),
        or_(BudgetReview.still.is_(None), BudgetReview.applied_at >= since, BudgetReview.goes_on_at >= since),
    )
    return session.scalars(mine.order_by(BudgetReview.id)).all()


def went_before(session: Session, handoff: Handoff, review: BudgetReview) -> bool:
    """Return whether this raise already gave the ticket back to the agent, and it returned to people."""
    before = None if handoff.previous_id is None else session.get(Handoff, handoff.previous_id)
    raised = None if before is None else before.context.raised
    return raised is not None and raised.review == review.id


def count(session: Session, review_id: int) -> None:
    """Count one more request that goes back to the agent, in the transaction that gives it back.

    The causes of the others are cleared, so that this process or the next determines them again.
    """
    mine = update(BudgetReview).where(BudgetReview.id == review_id)
    one_more = mine.values(gone_on=BudgetReview.gone_on + 1, still=None)
    session.execute(one_more.execution_options(synchronize_session=False))


def note(session: Session, review_id: int, causes: Iterable[Cause]) -> BudgetReview | None:
    """Store why the others stay with people; return the review, or None if nothing has changed."""
    review = session.get_one(BudgetReview, review_id, with_for_update=True, populate_existing=True)
    still: list[dict[str, Any]] = [asdict(cause) | {"count": many} for cause, many in Counter(causes).items()]
    if review.still == still:
        return None
    review.still = still
    return review


def causes(review: BudgetReview) -> list[tuple[Cause, int]]:
    """Return why the others stay with people: each cause with the number of requests."""
    return [
        (Cause(**{name: value for name, value in one.items() if name != "count"}), int(one["count"]))
        for one in review.still or ()
    ]

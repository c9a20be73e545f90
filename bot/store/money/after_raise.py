"""What the agent goes on with after a raise, and what keeps the rest with people.

Invariant: a ticket goes back to the agent by one raise once at most. How many went back is counted in the
transaction that gives each back, so the owner reads the true number whatever dies in between.
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
"""Another budget is used up as well, or was and has been raised later; what was added is used up, or less than a step
may cost; the agent does not answer."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What keeps a request with people though a budget was raised."""

    why: Why
    scope: str = ""
    "Of the other budget, where it is one; likewise its holder and its window."
    holder: str = ""
    window_start: str = ""
    "ISO 8601, UTC."
    resets_at: str = ""


def wanted(session: Session, since: datetime) -> Sequence[int]:
    """Return the raises of running windows after which the agent is to go on, those of which the gate knows.

    Args:
        session: the open transaction.
        since: what has taken effect since then is looked at again, for requests that come late.
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
    """Say if the agent has gone on by this very raise already, and the ticket has come back to people."""
    before = None if handoff.previous_id is None else session.get(Handoff, handoff.previous_id)
    raised = None if before is None else before.context.raised
    return raised is not None and raised.review == review.id


def count(session: Session, review_id: int) -> None:
    """Count one more request with which the agent goes on, in the transaction that gives it back.

    What is said of the others is looked for anew then, if not by this process then by the next.
    """
    mine = update(BudgetReview).where(BudgetReview.id == review_id)
    one_more = mine.values(gone_on=BudgetReview.gone_on + 1, still=None)
    session.execute(one_more.execution_options(synchronize_session=False))


def note(session: Session, review_id: int, causes: Iterable[Cause]) -> BudgetReview | None:
    """Keep what keeps the others with people; return the review if that is not what it said before."""
    review = session.get_one(BudgetReview, review_id, with_for_update=True, populate_existing=True)
    still: list[dict[str, Any]] = [asdict(cause) | {"count": many} for cause, many in Counter(causes).items()]
    if review.still == still:
        return None
    review.still = still
    return review


def causes(review: BudgetReview) -> list[tuple[Cause, int]]:
    """Return what keeps the others with people, each with how many."""
    return [
        (Cause(**{name: value for name, value in one.items() if name != "count"}), int(one["count"]))
        for one in review.still or ()
    ]

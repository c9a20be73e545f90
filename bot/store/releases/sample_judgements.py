"""Which scored samples the judge is to be asked about, and what it said of them.

Invariant: a sample is judged once (conditional updates), and one clock at a time asks the judge about it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.store.releases import samples
from bot.store.releases.samples import KeptSample
from bot.store.schema import Sample, now

JUDGE_LEASE = timedelta(minutes=15)
"Nobody else asks the judge about a sample for this long; then it is asked again."


def unjudged(session: Session, *, limit: int) -> Sequence[KeptSample]:
    """Return samples about whose answer the judge is to be asked now, the one that is due longest first."""
    query = select(*samples.KEPT).where(Sample.judge_due_at <= now())
    return [KeptSample(*row) for row in session.execute(query.order_by(Sample.judge_due_at, Sample.id).limit(limit))]


def take_to_judge(session: Session, sample_id: int) -> int | None:
    """Set out to ask the judge about a sample; return how often that was done, or None if somebody else does."""
    at = now()
    due = update(Sample).where(Sample.id == sample_id, Sample.judge_due_at <= at)
    taken = due.values(judge_due_at=at + JUDGE_LEASE, judge_asked=Sample.judge_asked + 1)
    return session.execute(taken.returning(Sample.judge_asked)).scalar_one_or_none()


def judge_later(session: Session, sample_id: int, after: timedelta | None) -> None:
    """Have the judge asked about a sample again after a while, or not again."""
    due = None if after is None else now() + after
    session.execute(update(Sample).where(Sample.id == sample_id, Sample.judged_at.is_(None)).values(judge_due_at=due))


def store_judgement(session: Session, sample_id: int, *, good: bool, said: dict[str, Any]) -> bool:
    """Store what the judge said of a sample, once; return False if it is judged already."""
    judged = update(Sample).where(Sample.id == sample_id, Sample.judged_at.is_(None))
    values = {"judged_at": now(), "judged_good": good, "judgement": said, "judge_due_at": None}
    return session.execute(judged.values(**values).returning(Sample.id)).scalar_one_or_none() is not None

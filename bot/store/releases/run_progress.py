"""How far the runs are that somebody in Slack looks on at, and which of them were told the end of it.

Invariant: the end of a run is told once: the row is locked, and `told_at` is set with the words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.store.schema import EvalResult, EvalRun, now
from bot.store.sql import prebuilt

MOST_NAMED = 10
"The most failing cases that are named."
_UNTOLD = select(EvalRun.id).where(EvalRun.shown_to.is_not(None), EvalRun.told_at.is_(None)).order_by(EvalRun.id)


@dataclass(frozen=True, slots=True)
class RunSoFar:
    """How far a run is, or how it ended."""

    run: EvalRun
    played: int
    "Plays that have a result."
    passed: int
    failing: tuple[str, ...]
    "The first ids, in order, of cases that failed at least once."
    failing_count: int
    cost_nusd: int
    "What its plays have cost so far."

    @property
    def total(self) -> int:
        """Return how many plays there are until the next look of the gate."""
        return self.run.cases * self.run.repeats


def untold(session: Session) -> Sequence[int]:
    """Return the runs that somebody looks on at and was not told the end of, oldest first."""
    return prebuilt.rows(session, _UNTOLD).scalars().all()


def lock(session: Session, run_id: int) -> EvalRun | None:
    """Return a run whose end was not told, locked until the transaction ends; None: somebody has told it."""
    run = session.get(EvalRun, run_id, with_for_update=True, populate_existing=True)
    return run if run is not None and run.shown_to is not None and run.told_at is None else None


def of(session: Session, run: EvalRun) -> RunSoFar:
    """Return how far a run is."""
    row = EvalResult
    counted = (func.count(), func.count().filter(row.passed), func.coalesce(func.sum(row.cost_nusd), 0))
    played, passed, cost = session.execute(select(*counted).where(row.run_id == run.id)).one()
    failed = select(row.case_id).where(row.run_id == run.id, row.played, ~row.passed).distinct()
    failing = session.scalars(failed.order_by(row.case_id)).all()
    return RunSoFar(run, played, passed, tuple(failing[:MOST_NAMED]), len(failing), int(cost))


def told(session: Session, run: EvalRun) -> None:
    """Note that the end of a run was told; the run is locked."""
    run.told_at = now()
    session.flush()

"""Runs of evaluations, their results, and the verdict that a finished run gives to its release and suite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.releases import baselines, verdicts
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import EvalResult, EvalRun, Release, RunState, Verdict, now


def start_run(session: Session, *, release: str, suite: str, repeats: int, cases: int, started_by: str) -> int:
    """Open an evaluation run and return its id."""
    run = EvalRun(release=release, suite=suite, repeats=repeats, cases=cases, started_by=started_by)
    session.add(run)
    session.flush()
    return run.id


def add_result(session: Session, run_id: int, **values: Any) -> None:
    """Store the result of one repeat of a case, once."""
    db.insert_new(session, EvalResult, run_id=run_id, **values)


def finish_run(
    session: Session, run_id: int, *, state: RunState, verdict: Verdict | None, why: Sequence[str] = ()
) -> None:
    """Close a run. A finished run gives its release and suite their verdict; an invalid one does not change it."""
    run = session.get_one(EvalRun, run_id)
    run.state, run.verdict, run.finished_at = state, verdict, now()
    spent = select(func.coalesce(func.sum(EvalResult.cost_nusd), 0)).where(EvalResult.run_id == run_id)
    run.cost_nusd = session.scalars(spent).one()
    if state is RunState.FINISHED and verdict not in (None, Verdict.NOT_RUN):
        verdicts.give(session, run_id, ReleasePair(run.release, run.suite), verdict, why)
    audit.append(
        session,
        "release.evaluated",
        actor=run.started_by,
        release=run.release,
        run=run_id,
        state=state,
        verdict=verdict,
    )
    baselines.promote_first(session, run_id)


def last_run(session: Session, agent: str) -> EvalRun | None:
    """Return the newest run of an agent that has ended, or None."""
    query = (
        select(EvalRun)
        .join(Release, Release.fingerprint == EvalRun.release)
        .where(Release.agent == agent, EvalRun.state != RunState.RUNNING)
        .order_by(EvalRun.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


@dataclass(frozen=True, slots=True)
class RunTally:
    """What came of the plays of a run."""

    played: int
    passed: int
    hard_failures: int
    "Failures in hard slices, which must have none."


def tally(session: Session, run_id: int) -> RunTally:
    """Count the results of a run."""
    passed, hard = EvalResult.passed, EvalResult.hard
    counts = (func.count(), func.count().filter(passed), func.count().filter(hard & ~passed))
    return RunTally(*session.execute(select(*counts).where(EvalResult.run_id == run_id)).one())


def results(session: Session, run_id: int) -> Sequence[EvalResult]:
    """Return the results of a run, ordered by case and repeat."""
    query = select(EvalResult).where(EvalResult.run_id == run_id)
    return session.scalars(query.order_by(EvalResult.case_id, EvalResult.repeat)).all()


def tallies(session: Session, run_id: int) -> Sequence[tuple[int, int]]:
    """Return for each case of a run how many of its repeats passed and how many were played."""
    passed = func.count(case((EvalResult.passed, 1)))
    query = select(passed, func.count()).where(EvalResult.run_id == run_id).group_by(EvalResult.case_id)
    return [(won, played) for won, played in session.execute(query)]

"""Runs of evaluations, their results, and the verdict that a finished run gives to its release and suite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, exists, func, select
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.releases import baselines, verdicts
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import EvalResult, EvalRun, PlayedBy, Release, RunKind, RunState, Verdict, now

_WHOLE = and_(EvalRun.kind == RunKind.EVALUATION, func.json_array_length(EvalRun.only) == 0)
"The whole suite is played, for a verdict."


@dataclass(frozen=True, slots=True)
class RunPlan:
    """How a run is played."""

    fixed_repeats: int | None = None
    "How many times each case is played; None: the gate decides after each round."
    only: tuple[str, ...] = ()
    "What was chosen of the suite; empty: all of it."
    kind: RunKind = RunKind.EVALUATION
    played_by: PlayedBy = PlayedBy.COMMAND
    width: int = 1
    "How many plays are in the queue or in hand at a time."
    model_is_standin: bool = False
    shown_to: str | None = None
    "Slack user id of whom a direct message shows how far it is."


def start_run(
    session: Session,
    *,
    release: str,
    suite: str,
    repeats: int,
    cases: int,
    started_by: str,
    plan: RunPlan | None = None,
) -> int:
    """Open an evaluation run and return its id."""
    plan = plan or RunPlan(fixed_repeats=repeats)
    run = EvalRun(
        release=release,
        suite=suite,
        repeats=repeats,
        cases=cases,
        started_by=started_by,
        fixed_repeats=plan.fixed_repeats,
        only=list(plan.only),
        kind=plan.kind,
        played_by=plan.played_by,
        width=plan.width,
        model_is_standin=plan.model_is_standin,
        shown_to=plan.shown_to,
    )
    session.add(run)
    session.flush()
    about: dict[str, Any] = {"release": release, "suite": suite, "run": run.id, "played_by": plan.played_by}
    audit.append(session, "evaluation.begun", actor=started_by, **about)
    return run.id


def add_result(session: Session, run_id: int, **values: Any) -> bool:
    """Store the result of one repeat of a case, once; return False if it had one."""
    return db.insert_new(session, EvalResult, run_id=run_id, **values) is not None


def finish_run(
    session: Session, run_id: int, *, state: RunState, verdict: Verdict | None, why: Sequence[str] = ()
) -> None:
    """Close a run. A finished evaluation gives its release and suite their verdict.

    An invalid one does not change the verdict, and neither do probes, however they went.
    """
    run = _close(session, run_id, state, verdict, why)
    by, release = run.started_by, run.release
    if run.kind is RunKind.PROBE:
        audit.append(session, "release.probed", actor=by, release=release, run=run_id, state=state)
        return
    if state is RunState.FINISHED and verdict not in (None, Verdict.NOT_RUN):
        verdicts.give(session, run_id, ReleasePair(release, run.suite), verdict, why)
    audit.append(session, "release.evaluated", actor=by, release=release, run=run_id, state=state, verdict=verdict)
    baselines.promote_first(session, run_id)


def _close(session: Session, run_id: int, state: RunState, verdict: Verdict | None, why: Sequence[str]) -> EvalRun:
    run = session.get_one(EvalRun, run_id)
    run.state, run.verdict, run.finished_at, run.why = state, verdict, now(), list(why)
    run.queued, run.held_by = [], None
    spent = select(func.coalesce(func.sum(EvalResult.cost_nusd), 0)).where(EvalResult.run_id == run_id)
    run.cost_nusd = session.scalars(spent).one()
    return run


def last_run(session: Session, agent: str) -> EvalRun | None:
    """Return the newest run of an agent's whole suite that has ended, or None."""
    query = (
        select(EvalRun)
        .join(Release, Release.fingerprint == EvalRun.release)
        .where(Release.agent == agent, EvalRun.state != RunState.RUNNING, _WHOLE)
        .order_by(EvalRun.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def played_by_standin(session: Session, release: str) -> bool:
    """Return whether a stand-in answered in a finished evaluation of a release."""
    finished = (EvalRun.state == RunState.FINISHED, EvalRun.kind == RunKind.EVALUATION)
    answered = exists().where(EvalRun.release == release, *finished, EvalRun.model_is_standin)
    return bool(session.scalar(select(answered)))


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
    return RunTally(*session.execute(select(*counts).where(EvalResult.run_id == run_id, EvalResult.played)).one())


def results(session: Session, run_id: int) -> Sequence[EvalResult]:
    """Return the results of a run that say something about the agent, ordered by case and repeat."""
    query = select(EvalResult).where(EvalResult.run_id == run_id, EvalResult.played)
    return session.scalars(query.order_by(EvalResult.case_id, EvalResult.repeat)).all()


def of_case(session: Session, run_id: int, case_id: str) -> Sequence[EvalResult]:
    """Return the plays of one case of a run, those that met only outages too, in the order of the repeats."""
    query = select(EvalResult).where(EvalResult.run_id == run_id, EvalResult.case_id == case_id)
    return session.scalars(query.order_by(EvalResult.repeat)).all()


def case_ids(session: Session, run_id: int) -> Sequence[str]:
    """Return the ids of the cases that have a result in a run, in order."""
    query = select(EvalResult.case_id).where(EvalResult.run_id == run_id).distinct()
    return session.scalars(query.order_by(EvalResult.case_id)).all()


def tallies(session: Session, run_id: int) -> Sequence[tuple[int, int]]:
    """Return for each case of a run how many of its repeats passed and how many were played."""
    passed = func.count(case((EvalResult.passed, 1)))
    query = (
        select(passed, func.count()).where(EvalResult.run_id == run_id, EvalResult.played).group_by(EvalResult.case_id)
    )
    return [(won, played) for won, played in session.execute(query)]

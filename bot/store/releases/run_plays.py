"""The plays of a run under way: which have a result, which are in the queue, and which command sees to them.

The row of the run is locked for every change, so of many processes one decides what comes next, and one ends the run.
What is in Redis may be lost: `queued` says what should be there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from bot.store.schema import EvalResult, EvalRun, Release, RunKind, RunState, now
from bot.store.sql import prebuilt

_RUN = select(EvalRun).where(EvalRun.id == bindparam("run")).execution_options(populate_existing=True)
_LOCKED = _RUN.with_for_update()
_STORED = select(EvalResult.case_id, EvalResult.repeat).where(EvalResult.run_id == bindparam("run"))
_ONE = _STORED.where(EvalResult.case_id == bindparam("case"), EvalResult.repeat == bindparam("number"))


@dataclass(frozen=True, slots=True)
class PlayStored:
    """One result, as the progress of a run shows it."""

    id: int
    case_id: str
    repeat: int
    passed: bool
    played: bool
    outages: int
    "How many of its tries met an outage."
    cost_nusd: int


@dataclass(frozen=True, slots=True)
class RunUnderWay:
    """A run that has not ended, and how far it is."""

    run_id: int
    release: str
    suite: str
    done: int
    "How many plays have a result."
    total: int
    "How many there are until the next look."
    started_by: str
    model_is_standin: bool
    in_part: bool
    "Whether only a part of the suite is played, so that there will be no verdict."
    kind: RunKind = RunKind.EVALUATION

    @property
    def words(self) -> str:
        """Return how far it is: `run 7, 12 of 300 plays until the next look`."""
        part = ", only a part of the cases" if self.in_part else ""
        part = ", probes" if self.kind is RunKind.PROBE else part
        standin = ", stand-in model" if self.model_is_standin else ""
        return f"run {self.run_id}, {self.done:,} of {self.total:,} plays until the next look{part}{standin}"


def get(session: Session, run_id: int) -> EvalRun | None:
    """Return a run as it is now, or None."""
    return session.scalars(_RUN, {"run": run_id}).one_or_none()


def lock(session: Session, run_id: int) -> EvalRun | None:
    """Return a run that is still under way, locked until the transaction ends; None: there is none."""
    run = session.scalars(_LOCKED, {"run": run_id}).one_or_none()
    return run if run is not None and run.state is RunState.RUNNING else None


def under_way(session: Session) -> Sequence[EvalRun]:
    """Return the runs that have not ended, oldest first."""
    return session.scalars(select(EvalRun).where(EvalRun.state == RunState.RUNNING).order_by(EvalRun.id)).all()


def unfinished(session: Session, *, release: str, suite: str) -> Sequence[EvalRun]:
    """Return the runs of a release against a suite that have not ended, newest first."""
    query = select(EvalRun).where(EvalRun.release == release, EvalRun.suite == suite, EvalRun.state == RunState.RUNNING)
    return session.scalars(query.order_by(EvalRun.id.desc())).all()


def of_agent(session: Session, agent: str) -> Sequence[RunUnderWay]:
    """Return the runs of an agent that have not ended, oldest first."""
    query = (
        select(EvalRun, func.count(EvalResult.id))
        .join(Release, Release.fingerprint == EvalRun.release)
        .outerjoin(EvalResult, EvalResult.run_id == EvalRun.id)
        .where(Release.agent == agent, EvalRun.state == RunState.RUNNING)
        .group_by(EvalRun.id)
        .order_by(EvalRun.id)
    )
    return [
        RunUnderWay(
            run_id=run.id,
            release=run.release,
            suite=run.suite,
            done=done,
            total=run.cases * run.repeats,
            started_by=run.started_by,
            model_is_standin=run.model_is_standin,
            in_part=bool(run.only) or run.kind is RunKind.PROBE,
            kind=run.kind,
        )
        for run, done in session.execute(query)
    ]


def newest(session: Session, *, at_most: int) -> Sequence[EvalRun]:
    """Return the newest runs of all agents, newest first."""
    return session.scalars(select(EvalRun).order_by(EvalRun.id.desc()).limit(at_most)).all()


def hold(session: Session, run_id: int, who: str, *, silent_before: datetime) -> bool:
    """Let a command see to a run, or go on seeing to it; return False if another one does, or the run is over.

    Args:
        session: an open write transaction.
        run_id: the run.
        who: the process of the command.
        silent_before: a command that has not been heard of since then counts as dead.
    """
    free = or_(EvalRun.held_by.is_(None), EvalRun.held_by == who, EvalRun.seen_at < silent_before)
    held = session.scalars(
        update(EvalRun)
        .where(EvalRun.id == run_id, EvalRun.state == RunState.RUNNING, free)
        .values(held_by=who, seen_at=now())
        .returning(EvalRun.id)
    ).one_or_none()
    return held is not None


def let_go(session: Session, run_id: int, who: str) -> None:
    """Let another command see to a run at once."""
    session.execute(update(EvalRun).where(EvalRun.id == run_id, EvalRun.held_by == who).values(held_by=None))


def stored(session: Session, run_id: int) -> set[tuple[str, int]]:
    """Return case and repeat of every result of a run."""
    return {(case, repeat) for case, repeat in prebuilt.rows(session, _STORED, run=run_id)}


def is_stored(session: Session, run_id: int, case_id: str, repeat: int) -> bool:
    """Return whether a play has a result."""
    which = {"case": case_id, "number": repeat}
    return prebuilt.rows(session, _ONE, run=run_id, **which).one_or_none() is not None


def all_results(session: Session, run_id: int) -> Sequence[EvalResult]:
    """Return every result of a run, those that met only outages too, ordered by slice, case and repeat."""
    query = select(EvalResult).where(EvalResult.run_id == run_id)
    return session.scalars(query.order_by(EvalResult.slice, EvalResult.case_id, EvalResult.repeat)).all()


def since(session: Session, run_id: int, result_id: int) -> Sequence[PlayStored]:
    """Return the results of a run that were stored after one of them, in the order in which they were stored."""
    row = EvalResult
    columns = (row.id, row.case_id, row.repeat, row.passed, row.played, row.outages, row.cost_nusd)
    query = select(*columns).where(row.run_id == run_id, row.id > result_id).order_by(row.id)
    return [
        PlayStored(number, case, repeat, passed, played, len(outages), cost)
        for number, case, repeat, passed, played, outages, cost in session.execute(query)
    ]


def take_next(session: Session, run: EvalRun, owed: Sequence[str]) -> tuple[str, ...]:
    """Note the next owed plays as queued, as many as there is room for, and return them; the run is locked."""
    room = run.width - len(run.queued)
    waiting = set(run.queued)
    taken = tuple(play for play in owed if play not in waiting)[: max(0, room)]
    run.queued = [*run.queued, *taken]
    run.seen_at = now()
    session.flush()
    return taken


def forget_queued(run: EvalRun, plays: Sequence[str]) -> None:
    """Note that plays are in no queue any more; the run is locked."""
    gone = set(plays)
    run.queued = [play for play in run.queued if play not in gone]


def play_until(session: Session, run: EvalRun, repeats: int) -> None:
    """Let a run go on until each case was played this many times; the run is locked."""
    run.repeats = repeats
    session.flush()

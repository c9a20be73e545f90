"""Runs of the pinned probe cases of a release that serves: when there was one, and what each said of its release.

All of it is of a pair, a release and its suite: what was said of another release says nothing about this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, assert_never

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import EvalResult, EvalRun, ProbeResult, ProbeState, RunKind, RunState

SMALLEST = 0.001
"A p-value below this is written as such."


@dataclass(frozen=True, slots=True)
class ProbeTimes:
    """When the probes of a pair were played; each time in UTC."""

    under_way: int | None
    "The run of them that has not ended."
    last: datetime | None
    "When the last run that was played to its end began."
    ended: datetime | None
    "When it ended."
    first_since: datetime | None
    "When the first run after it began; it has not ended, or was not played to its end."
    last_since: datetime | None
    "When the last run after it began."


@dataclass(frozen=True, slots=True)
class LastProbe:
    """The last run of the probes of a pair that was played to its end, and what it says."""

    run_id: int
    started_at: datetime
    finished_at: datetime
    passed: int
    played: int
    result: ProbeResult
    model_is_standin: bool

    @property
    def words(self) -> str:
        """Return what it says, without its age: `30 of 30 probes passed, as often as in its evaluation (...)`."""
        p, failed = self.result.p_value, ", ".join(map(str, self.result.hard_failures))
        said = f"with a failure in a hard slice: {failed}" if failed else _said(self.result.state)
        runs = "1 run" if self.result.runs == 1 else f"{self.result.runs} runs"
        shown = "" if p is None else f" (exact p {p_in_words(p)}, {runs})"
        standin = "; a stand-in model answered" if self.model_is_standin else ""
        return f"{self.passed:,} of {self.played:,} probes passed, {said}{shown}{standin}"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values; times as ISO 8601."""
        said = self.result
        return {
            "run": self.run_id,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "passed": self.passed,
            "played": self.played,
            "state": said.state,
            "runs": said.runs,
            "p_value": said.p_value,
            "difference": said.difference,
            "hard_failures": list(said.hard_failures),
            "model_is_standin": self.model_is_standin,
        }


class ProbePlay(NamedTuple):
    """One probe case, played once."""

    case_id: str
    case_sha: str
    hard: bool
    passed: bool


def p_in_words(p: float) -> str:
    """Return a p-value with as many digits as are read."""
    return f"below {SMALLEST}" if p < SMALLEST else f"{p:.3f}"


def _said(state: ProbeState) -> str:
    match state:
        case ProbeState.AS_BEFORE:
            return "as often as in its evaluation"
        case ProbeState.UNCLEAR:
            return "which shows no clear change"
        case ProbeState.WORSE:
            return "less often than in its evaluation"
        case _:
            assert_never(state)


def times(session: Session, pair: ReleasePair) -> ProbeTimes:
    """Return when the probes of a pair were played."""
    done = session.scalars(_runs(pair, RunState.FINISHED).limit(1)).one_or_none()
    since = select(func.min(EvalRun.started_at), func.max(EvalRun.started_at)).where(
        *_of(pair), EvalRun.id > (0 if done is None else done.id)
    )
    first, last = session.execute(since).one()
    running = session.scalars(_runs(pair, RunState.RUNNING).limit(1)).one_or_none()
    return ProbeTimes(
        under_way=None if running is None else running.id,
        last=None if done is None else done.started_at,
        ended=None if done is None else done.finished_at,
        first_since=first,
        last_since=last,
    )


def last(session: Session, pair: ReleasePair) -> LastProbe | None:
    """Return what the last run of the probes of a pair says, or None if there was none."""
    return _found(session, *_of(pair))


def of_run(session: Session, run_id: int) -> LastProbe | None:
    """Return what a run of the probes says, or None if it was not played to its end."""
    return _found(session, EvalRun.id == run_id)


def _found(session: Session, *which: ColumnElement[bool]) -> LastProbe | None:
    query = select(EvalRun, ProbeResult).join(ProbeResult, ProbeResult.run_id == EvalRun.id).where(*which)
    found = session.execute(query.order_by(EvalRun.id.desc()).limit(1)).one_or_none()
    if found is None:
        return None
    run, result = found
    counts = (func.count().filter(EvalResult.passed), func.count())
    passed, played = session.execute(select(*counts).where(EvalResult.run_id == run.id, EvalResult.played)).one()
    at = run.finished_at or run.started_at
    return LastProbe(run.id, run.started_at, at, passed, played, result, run.model_is_standin)


def plays(session: Session, pair: ReleasePair, *, runs: int) -> Sequence[Sequence[ProbePlay]]:
    """Return the plays of the last runs of the probes of a pair that were played to their end, the newest first."""
    ids = [run.id for run in session.scalars(_runs(pair, RunState.FINISHED).limit(runs))]
    return [plays_of(session, run_id) for run_id in ids]


def plays_of(session: Session, run_id: int) -> Sequence[ProbePlay]:
    """Return the plays of a run that say something about the agent."""
    row = EvalResult
    query = select(row.case_id, row.case_sha, row.hard, row.passed).where(row.run_id == run_id, row.played)
    return [ProbePlay(*found) for found in session.execute(query)]


def say(
    session: Session,
    run_id: int,
    state: ProbeState,
    *,
    runs: int,
    p_value: float | None,
    difference: float | None,
    hard_failures: Sequence[str],
) -> None:
    """Store what a run of the probes says of its release, in the transaction that ends it."""
    said = ProbeResult(run_id=run_id, state=state, runs=runs, p_value=p_value, difference=difference)
    said.hard_failures = list(hard_failures)
    session.add(said)
    session.flush()


def _runs(pair: ReleasePair, state: RunState) -> Select[EvalRun]:
    return select(EvalRun).where(*_of(pair), EvalRun.state == state).order_by(EvalRun.id.desc())


def _of(pair: ReleasePair) -> tuple[ColumnElement[bool], ...]:
    return EvalRun.release == pair.release, EvalRun.suite == pair.suite, EvalRun.kind == RunKind.PROBE

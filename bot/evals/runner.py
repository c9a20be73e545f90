"""Plays a suite against a release, in parallel, and reaches a verdict.

A case that failed is never played again. A case that could not be played, because the model or the budget was down, is
played again, and too many of those make the run invalid. A run that is unfinished or invalid has no verdict and leaves
the one that its release had.
"""

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bot.agent.card import Agent
from bot.agent.release import ReleaseId
from bot.evals import gate, stage
from bot.evals.cases import Case, Suite
from bot.evals.gate import Score
from bot.evals.scorers import score
from bot.evals.stage import RuntimeFor
from bot.store.db import Database
from bot.store.releases import eval_runs, releases
from bot.store.schema import RunState, Verdict

TRIES = 3
"How many times a case is played until it is played to its end."
MOST_OUTAGES = 0.02
"The largest share of plays that may meet an outage in a valid run."


@dataclass(frozen=True, slots=True)
class Play:
    """One case, played to its end once, or given up."""

    case: Case
    repeat: int
    failures: tuple[str, ...]
    transcript: tuple[dict[str, Any], ...]
    milliseconds: int
    cost_nusd: int
    outages: tuple[str, ...]
    "Why its tries ended early, one sentence each."
    played: bool
    "False if every try met an outage; the case then says nothing about the release."

    @property
    def score(self) -> Score:
        """Return its score for the gate."""
        return Score(self.case.id, self.case.slice, self.case.hard, not self.failures)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a run."""

    done: int
    total: int
    passed: int
    failed: int
    outages: int
    "How many plays met an outage."
    cost_nusd: int
    last: Play


@dataclass(frozen=True, slots=True)
class RunReport:
    """The result of a run."""

    run_id: int
    release: str
    suite: str
    state: RunState
    verdict: Verdict | None
    why: tuple[str, ...]
    repeats: int
    plays: tuple[Play, ...]
    "Ordered by case and repeat."
    seconds: float
    cost_nusd: int

    @property
    def scores(self) -> tuple[Score, ...]:
        """Return the scores of the cases that were played."""
        return tuple(play.score for play in self.plays if play.played)


def run_suite(
    *,
    agent: Agent,
    release_id: ReleaseId,
    runtime_for: RuntimeFor,
    suite: Suite,
    main: Database,
    started_by: str,
    progress: Callable[[RunProgress], None],
    repeats: int = 1,
    workers: int = 4,
) -> RunReport:
    """Play every case and give the release its verdict.

    Args:
        agent: the agent, whose card says what a release must reach.
        release_id: the release that is evaluated.
        runtime_for: puts exactly that release to work on a scratch database; thread-safe.
        suite: the cases.
        main: the database that keeps the run, its results and the verdict.
        started_by: a Slack user id, `clock` or `operator`.
        progress: called after every play, in the caller's thread.
        repeats: how many times each case is played.
        workers: how many cases are played at a time.

    On an interruption (Ctrl-C) the run is kept as invalid, and the interruption is raised again.
    """
    started, total = time.monotonic(), repeats * len(suite.cases)
    run_id = _start(main, release_id, suite, repeats=repeats, started_by=started_by)
    plays: list[Play] = []
    try:
        with closing(_played(suite, runtime_for, repeats, workers)) as played:
            for play in played:
                plays.append(play)
                _keep(main, run_id, play)
                progress(_progress(plays, total))
                if not play.played:
                    break  # the run is invalid, however the rest would go
    except BaseException:
        _finish(main, run_id, verdict=None)
        raise
    why, verdict = _judged(agent, plays, total)
    _finish(main, run_id, verdict=verdict)
    seconds = time.monotonic() - started
    return _report(run_id, str(release_id), suite, plays, why=why, verdict=verdict, repeats=repeats, seconds=seconds)


def _start(main: Database, release_id: ReleaseId, suite: Suite, *, repeats: int, started_by: str) -> int:
    """Register the release and the run; return the run's id."""
    with main.write() as session:
        releases.register(
            session, agent=release_id.agent, fingerprint=str(release_id), body=release_id.body, files=release_id.files
        )
        return eval_runs.start_run(
            session,
            release=str(release_id),
            suite=suite.fingerprint,
            repeats=repeats,
            cases=len(suite.cases),
            started_by=started_by,
        )


def _judged(agent: Agent, plays: list[Play], total: int) -> tuple[tuple[str, ...], Verdict | None]:
    """Return the reasons and the verdict; an invalid run has no verdict."""
    invalid = _invalid(plays, total)
    if invalid:
        return invalid, None
    judged = gate.decide((play.score for play in plays), pass_at_least=agent.card.evals.pass_at_least)
    return judged.why, judged.word


def _finish(main: Database, run_id: int, *, verdict: Verdict | None) -> None:
    with main.write() as session:
        eval_runs.finish_run(session, run_id, state=_state(verdict), verdict=verdict)


def _state(verdict: Verdict | None) -> RunState:
    return RunState.FINISHED if verdict else RunState.INVALID


def _report(
    run_id: int,
    release: str,
    suite: Suite,
    plays: list[Play],
    *,
    why: tuple[str, ...],
    verdict: Verdict | None,
    repeats: int,
    seconds: float,
) -> RunReport:
    return RunReport(
        run_id=run_id,
        release=release,
        suite=suite.fingerprint,
        state=_state(verdict),
        verdict=verdict,
        why=why,
        repeats=repeats,
        plays=tuple(sorted(plays, key=lambda play: (play.case.slice, play.case.id, play.repeat))),
        seconds=seconds,
        cost_nusd=sum(play.cost_nusd for play in plays),
    )


def _played(suite: Suite, runtime_for: RuntimeFor, repeats: int, workers: int) -> Generator[Play, None, None]:
    """Yield every play as it ends; once the caller stops listening, no further case is begun."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="eval")
    try:
        jobs: list[Future[Play]] = [
            pool.submit(_play, case, repeat, runtime_for) for repeat in range(1, repeats + 1) for case in suite.cases
        ]
        for job in as_completed(jobs):
            yield job.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _play(case: Case, repeat: int, runtime_for: RuntimeFor) -> Play:
    started, cost, outages = time.monotonic(), 0, []
    for _ in range(TRIES):
        seen = stage.play_case(case, runtime_for)
        cost += seen.cost_nusd
        if seen.outage is None:
            break
        outages.append(seen.outage)
    return Play(
        case=case,
        repeat=repeat,
        failures=() if seen.outage else score(case, seen),
        transcript=tuple(seen.transcript),
        milliseconds=round(1000 * (time.monotonic() - started)),
        cost_nusd=cost,
        outages=tuple(outages),
        played=seen.outage is None,
    )


def _keep(main: Database, run_id: int, play: Play) -> None:
    if not play.played:
        return
    with main.write() as session:
        eval_runs.add_result(
            session,
            run_id,
            case_id=play.case.id,
            slice=play.case.slice,
            hard=play.case.hard,
            repeat=play.repeat,
            passed=not play.failures,
            failures=list(play.failures),
            transcript=list(play.transcript),
            duration_ms=play.milliseconds,
            cost_nusd=play.cost_nusd,
        )


def _progress(plays: list[Play], total: int) -> RunProgress:
    return RunProgress(
        done=len(plays),
        total=total,
        passed=sum(play.played and not play.failures for play in plays),
        failed=sum(bool(play.failures) for play in plays),
        outages=sum(bool(play.outages) for play in plays),
        cost_nusd=sum(play.cost_nusd for play in plays),
        last=plays[-1],
    )


def _invalid(plays: list[Play], total: int) -> tuple[str, ...]:
    """Return why a run is invalid; empty if it is valid."""
    if not total:
        return ("there was no case to play",)
    met = [play for play in plays if play.outages]
    unplayed = [play.case.id for play in plays if not play.played]
    why = []
    if len(met) > MOST_OUTAGES * len(plays):
        why.append(f"{len(met)} of {len(plays)} plays met an outage, such as: {met[0].outages[0]}")
    if unplayed:
        why.append(f"never played to the end: {', '.join(sorted(set(unplayed)))}")
    if len(plays) < total:
        why.append(f"{total - len(plays)} of {total} plays were never started")
    return tuple(why)

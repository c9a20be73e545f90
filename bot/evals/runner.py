"""A suite played against a release, in parallel, to a verdict.

A case that failed is never played again; a case that could not be played (the model or the budget
was away) is, and too many of those make the run invalid. A run that is not finished, or is invalid, has
no verdict and leaves the one that its release had.
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
from bot.store import releases
from bot.store.db import Database
from bot.store.schema import RunState, Verdict

TRIES = 3
"Times that a case is played until it can be played to its end."
MOST_OUTAGES = 0.02
"Share of plays that may meet an outage before the run says nothing."


@dataclass(frozen=True, slots=True)
class Play:
    """One case, played once to its end or given up."""

    case: Case
    repeat: int
    failures: tuple[str, ...]
    transcript: tuple[dict[str, Any], ...]
    milliseconds: int
    cost_nusd: int
    outages: tuple[str, ...]
    "Why tries at it came to nothing."
    played: bool
    "False when every try met an outage; then it says nothing about the release."

    @property
    def score(self) -> Score:
        """Return it for the gate."""
        return Score(self.case.id, self.case.slice, self.case.hard, not self.failures)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is."""

    done: int
    total: int
    passed: int
    failed: int
    outages: int
    "Plays that met one."
    cost_nusd: int
    last: Play


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run went."""

    run_id: int
    release: str
    suite: str
    state: RunState
    verdict: Verdict | None
    why: tuple[str, ...]
    repeats: int
    plays: tuple[Play, ...]
    "By case and repeat."
    seconds: float
    cost_nusd: int

    @property
    def scores(self) -> tuple[Score, ...]:
        """Return the scores of what was played."""
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
        agent: whose card says what passing is.
        release_id: what is evaluated.
        runtime_for: puts exactly that release to work on a private database; thread-safe.
        suite: the cases.
        main: where the run, its results and the verdict are kept.
        started_by: a Slack user id, `clock` or `operator`.
        progress: called after every case, in the caller's thread.
        repeats: times that each case is played.
        workers: cases played at a time.

    Interrupted (Ctrl-C), the run is kept as invalid and the interruption goes on.
    """
    started = time.monotonic()
    with main.write() as session:
        releases.register(session, agent=release_id.agent, fingerprint=str(release_id), body=release_id.body)
        run_id = releases.start_run(
            session,
            release=str(release_id),
            suite=suite.fingerprint,
            repeats=repeats,
            cases=len(suite.cases),
            started_by=started_by,
        )
    plays: list[Play] = []
    try:
        with closing(_played(suite, runtime_for, repeats, workers)) as played:
            for play in played:
                plays.append(play)
                _keep(main, run_id, play)
                progress(_progress(plays, repeats * len(suite.cases)))
                if not play.played:
                    break  # the run is invalid, however the rest would go
    except BaseException:
        with main.write() as session:
            releases.finish_run(session, run_id, state=RunState.INVALID, verdict=None)
        raise
    why, word = _invalid(plays, repeats * len(suite.cases)), None
    if not why:
        verdict = gate.decide((play.score for play in plays), pass_at_least=agent.card.evals.pass_at_least)
        why, word = verdict.why, verdict.word
    state = RunState.FINISHED if word else RunState.INVALID
    with main.write() as session:
        releases.finish_run(session, run_id, state=state, verdict=word)
    return RunReport(
        run_id=run_id,
        release=str(release_id),
        suite=suite.fingerprint,
        state=state,
        verdict=word,
        why=why,
        repeats=repeats,
        plays=tuple(sorted(plays, key=lambda play: (play.case.slice, play.case.id, play.repeat))),
        seconds=time.monotonic() - started,
        cost_nusd=sum(play.cost_nusd for play in plays),
    )


def _played(suite: Suite, runtime_for: RuntimeFor, repeats: int, workers: int) -> Generator[Play, None, None]:
    """Yield every play as it ends; when the caller stops listening, no further case is begun."""
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
        releases.add_result(
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
    """Say why a run says nothing, if it does."""
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
        why.append(f"{total - len(plays)} of {total} plays were not begun")
    return tuple(why)

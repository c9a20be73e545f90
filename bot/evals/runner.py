"""Plays a suite against a release in this process, one play after the other, and reports how it went.

Production plays through the queue (`jobs.evals`); what is played, stored and decided is the same (`bot.evals.runs`).
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.agent.card import Agent
from bot.agent.release import ReleaseId
from bot.evals import plays, runs
from bot.evals.cases import Suite
from bot.evals.gate import Score
from bot.evals.judge import judging
from bot.evals.plays import Play, PlayedCase
from bot.evals.runs import PlannedRun
from bot.evals.stage import RuntimeFor
from bot.store.db import Database, Session
from bot.store.releases import releases, run_plays
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.run_plays import PlayStored
from bot.store.schema import EvalResult, EvalRun, RunKind, RunState, Verdict, now


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a run."""

    total: int
    "How many plays there are until the next look."
    done: int = 0
    passed: int = 0
    failed: int = 0
    outages: int = 0
    "How many plays met an outage."
    cost_nusd: int = 0

    def after(self, last: PlayStored) -> "RunProgress":
        """Return the progress after one more play."""
        return RunProgress(
            total=self.total,
            done=self.done + 1,
            passed=self.passed + (last.played and last.passed),
            failed=self.failed + (last.played and not last.passed),
            outages=self.outages + bool(last.outages),
            cost_nusd=self.cost_nusd + last.cost_nusd,
        )


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of a run."""

    run_id: int
    release: str
    suite: str
    state: RunState
    verdict: Verdict | None
    "None while it is under way, and of a run of the probes that was played to its end."
    why: tuple[str, ...]
    repeats: int
    plays: tuple[Play, ...]
    "Ordered by slice, case and repeat."
    seconds: float
    cost_nusd: int
    model_is_standin: bool = False
    judge: str = judging.OFF
    "What the judge says of the run, in a sentence."
    kind: RunKind = RunKind.EVALUATION
    only: tuple[str, ...] = ()
    "The options that chose a part of the suite; empty when all of it is played."

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
    progress: Callable[[RunProgress], None] = lambda _: None,
    repeats: int | None = 1,
) -> RunReport:
    """Play every case and give the release its verdict.

    Args:
        agent: the agent, whose card says what a release must reach.
        release_id: the release that is evaluated.
        runtime_for: puts exactly that release to work on a scratch database.
        suite: the cases, at least one.
        main: the database that keeps the run, its results and the verdict.
        started_by: a Slack user id, `clock` or `operator`.
        progress: called after every play.
        repeats: how many times each case is played; None: the gate decides after each round.

    On an interruption (Ctrl-C) the run is left as it is, without a verdict.
    """
    planned = PlannedRun(agent, release_id, suite, suite.cases, RunPlan(fixed_repeats=repeats), started_by)
    run_id = runs.begin(main, planned)
    by_id = {case.id: case for case in suite.cases}
    waiting, seen = deque(runs.next_plays(main, run_id, suite.cases)), Steps(run_id)
    while waiting:
        case_id, _, repeat = waiting.popleft().rpartition(":")
        played = plays.play(by_id[case_id], int(repeat), runtime_for)
        waiting.extend(runs.keep(main, run_id, played, agent=agent, cases=suite.cases))
        with main.read() as session:
            seen.show(session, progress)
    with main.read() as session:
        return report_of(session, run_id)


class Steps:
    """Follows a run: shows each of its plays once, in the order in which they were stored."""

    def __init__(self, run_id: int) -> None:
        """Follow a run from its first play."""
        self._run_id, self._last = run_id, 0
        self._at = RunProgress(total=0)

    def show(self, session: Session, progress: Callable[[RunProgress], None]) -> EvalRun:
        """Show the plays that are new, and return the run as it is now."""
        run = run_plays.get(session, self._run_id)
        if run is None:
            raise LookupError(f"no run {self._run_id}")
        for one in run_plays.since(session, self._run_id, self._last):
            self._last, self._at = one.id, replace(self._at, total=run.cases * run.repeats).after(one)
            progress(self._at)
        return run


def report_of(session: Session, run_id: int) -> RunReport:
    """Return what became of a run, from its rows."""
    run, results = run_plays.get(session, run_id), run_plays.all_results(session, run_id)
    if run is None:
        raise LookupError(f"no run {run_id}; `deskhand eval runs` lists them")
    return RunReport(
        run_id=run_id,
        release=run.release,
        suite=run.suite,
        state=run.state,
        verdict=run.verdict,
        why=tuple(map(str, run.why)),
        repeats=run.repeats,
        only=tuple(map(str, run.only)),
        plays=_plays(results),
        seconds=((run.finished_at or now()) - run.started_at).total_seconds(),
        cost_nusd=sum(result.cost_nusd for result in results),
        model_is_standin=run.model_is_standin,
        judge=_judge(session, run, results),
        kind=run.kind,
    )


def _judge(session: Session, run: EvalRun, results: Sequence[EvalResult]) -> str:
    release = releases.get(session, run.release)
    said = None if release is None else judging.of_run(session, release.agent, [one.transcript for one in results])
    return judging.OFF if said is None else str(said)


def _plays(results: Sequence[EvalResult]) -> tuple[Play, ...]:
    return tuple(
        Play(
            case=PlayedCase(result.case_id, result.slice, result.hard, result.case_sha),
            repeat=result.repeat,
            failures=tuple(map(str, result.failures)),
            transcript=tuple(result.transcript),
            milliseconds=result.duration_ms,
            cost_nusd=result.cost_nusd,
            outages=tuple(map(str, result.outages)),
            played=result.played,
        )
        for result in results
    )

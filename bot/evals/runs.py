"""A run of a suite, from its first play to its verdict: rows that many processes work on.

The process that plays a case stores its result and learns what to put in the queue next; the one that stores the last
result of a round lets the gate look. Both happen under the lock of the run's row, so each play has one result and each
run one verdict, whichever process dies and however many work on the run. A run that ends without a verdict is NOT RUN:
it says nothing about the release, and leaves it the verdict that it had.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.agent.card import Agent
from bot.agent.release import ReleaseId
from bot.errors import DeskhandError
from bot.evals import gate, probing
from bot.evals.cases import Case, Suite
from bot.evals.gate import GoOn, ReleaseVerdict, Score
from bot.evals.judge import judging
from bot.evals.plays import Play, PlayedCase
from bot.releases import registry
from bot.store.db import Database, Session
from bot.store.releases import baselines, eval_runs, releases, run_plays
from bot.store.releases.eval_runs import RunPlan
from bot.store.schema import EvalResult, EvalRun, RunKind, RunState, Verdict

MOST_OUTAGES = 0.02
"The largest share of plays that may meet an outage in a valid run."


class NothingToPlay(DeskhandError):
    """No case of the suite was chosen: nothing can be said about the release."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a suite is played."""

    slices: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    "Ids of cases; with slices too, a case must be in both."

    @property
    def words(self) -> tuple[str, ...]:
        """Return the options that were given; empty: all of the suite."""
        return (*(f"--slice {name}" for name in self.slices), *(f"--case {name}" for name in self.cases))

    def of(self, suite: Suite) -> tuple[Case, ...]:
        """Return the chosen cases.

        Raises:
            NothingToPlay: there is none.
        """
        found = tuple(
            case
            for case in suite.cases
            if (not self.slices or case.slice in self.slices) and (not self.cases or case.id in self.cases)
        )
        if not found:
            known = ", ".join(sorted({case.slice for case in suite.cases}))
            raise NothingToPlay(f"no case matches {' '.join(self.words)}; the slices are {known}")
        return found


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run that is to be opened."""

    agent: Agent
    "Its card says what a release must reach."
    release: ReleaseId
    suite: Suite
    "All of it."
    cases: tuple[Case, ...]
    "What is played of it."
    plan: RunPlan
    by: str
    "Who wants it: a Slack user id, `clock` or `operator`."


def begin(database: Database, planned: PlannedRun) -> int:
    """Register a release and open a run of it; return the run's id.

    Raises:
        NothingToPlay: there is no case.
    """
    with database.write() as session:
        return start(session, planned)


def resume_or_begin(database: Database, planned: PlannedRun) -> tuple[int, int]:
    """Return the id of the unfinished run that is planned alike, and how many plays it has; or open one, with none.

    Of two commands that ask at once, one opens the run and the other gets it.

    Raises:
        NothingToPlay: there is no case.
    """
    with database.write() as session:
        _register(session, planned)
        found = _alike(session, planned)
        if found:
            return found[0].id, len(run_plays.stored(session, found[0].id))
        return start(session, planned), 0


def abandon(database: Database, planned: PlannedRun) -> None:
    """End the unfinished runs that are planned alike and that no command sees to, without a verdict."""
    with database.write() as session:
        for run in _alike(session, planned):
            if run.held_by is None:
                _end_not_run(session, run, ("another one was begun in its place",))


def _alike(session: Session, planned: PlannedRun) -> list[EvalRun]:
    """Return the unfinished runs that are planned alike, newest first; their release is locked."""
    release, plan = str(planned.release), planned.plan
    releases.lock(session, release)
    return [
        run
        for run in run_plays.unfinished(session, release=release, suite=planned.suite.fingerprint)
        if (run.kind, run.played_by) == (plan.kind, plan.played_by)
        and tuple(run.only) == plan.only
        and plan.fixed_repeats in (None, run.fixed_repeats)
    ]


def _register(session: Session, planned: PlannedRun) -> None:
    registry.register(session, planned.agent, planned.release)


def start(session: Session, planned: PlannedRun) -> int:
    """Register a release and open a run of it in an open transaction; return the run's id.

    Raises:
        NothingToPlay: there is no case.
    """
    if not planned.cases:
        raise NothingToPlay("there is no case to play")
    _register(session, planned)
    first = _look(session, planned.agent, planned.plan.fixed_repeats, planned.cases, ())
    if not isinstance(first, GoOn):
        raise TypeError("the gate has judged a release before its first play")
    return eval_runs.start_run(
        session,
        release=str(planned.release),
        suite=planned.suite.fingerprint,
        repeats=first.until,
        cases=len(planned.cases),
        started_by=planned.by,
        plan=planned.plan,
    )


def next_plays(database: Database, run_id: int, cases: Sequence[Case]) -> tuple[str, ...]:
    """Return what to put in the queue now, as `case:repeat`; it is noted as queued."""
    with database.write() as session:
        run = run_plays.lock(session, run_id)
        return () if run is None else run_plays.take_next(session, run, _owed(session, run, cases))


def requeue(database: Database, run_id: int, cases: Sequence[Case], lost: Iterable[str]) -> tuple[str, ...]:
    """Return what to put in the queue now that some plays were lost from it."""
    with database.write() as session:
        run = run_plays.lock(session, run_id)
        if run is None:
            return ()
        run_plays.forget_queued(run, tuple(lost))
        return run_plays.take_next(session, run, _owed(session, run, cases))


def keep(database: Database, run_id: int, played: Play, *, agent: Agent, cases: Sequence[Case]) -> tuple[str, ...]:
    """Store a play unless it has a result already, and return what to put in the queue next.

    The last play of a round lets the gate look; a play that was given up ends the run, however the rest would go.
    """
    with database.write() as session:
        run = run_plays.lock(session, run_id)
        if run is None:
            return ()
        _store(session, run_id, played)
        run_plays.forget_queued(run, (play_name(played.case.id, played.repeat),))
        if not played.played:
            _end_not_run(session, run, (f"never played to the end: {played.case.id}",))
            return ()
        owed = _owed(session, run, cases)
        return run_plays.take_next(session, run, owed or _next_round(session, run, agent, cases))


def end_unfinished(session: Session, run: EvalRun, why: str) -> None:
    """End a run that nobody works on any more, without a verdict; the run is locked."""
    _end_not_run(session, run, (why,))


def play_name(case: str, repeat: int) -> str:
    """Return the name of one play of a run."""
    return f"{case}:{repeat}"


def cases_of(run: EvalRun, suite: Suite) -> tuple[Case, ...]:
    """Return the cases that a run plays.

    Raises:
        NothingToPlay: its choice matches no case.
    """
    if run.kind is RunKind.PROBE:
        return suite.probes
    words = [str(option).split(" ", 1) for option in run.only]
    chosen = Chosen(
        tuple(name for option, name in words if option == "--slice"),
        tuple(name for option, name in words if option == "--case"),
    )
    return chosen.of(suite)


def _owed(session: Session, run: EvalRun, cases: Sequence[Case]) -> list[str]:
    """Return the plays of this round without a result, in the order in which they are played."""
    stored = run_plays.stored(session, run.id)
    return [
        play_name(case.id, repeat)
        for repeat in range(1, run.repeats + 1)
        for case in cases
        if (case.id, repeat) not in stored
    ]


def _next_round(session: Session, run: EvalRun, agent: Agent, cases: Sequence[Case]) -> list[str]:
    """Let the gate look, and end the run or return the plays of its next round."""
    if run.kind is RunKind.PROBE:
        probing.finish(session, run)
        return []
    results = run_plays.all_results(session, run.id)
    if outages := _too_many_outages(results):
        _end_not_run(session, run, (outages,))
        return []
    if run.only:
        passed = sum(result.passed for result in results)
        part = f"only a part of the suite was played ({', '.join(map(str, run.only))})"
        _end_not_run(session, run, (f"{part}: {passed} of {len(results)} plays passed",))
        return []
    scores = [Score(result.case_id, result.slice, result.hard, result.passed) for result in results]
    match _look(session, agent, run.fixed_repeats, cases, scores):
        case GoOn(until=repeats):
            run_plays.play_until(session, run, repeats)
            return _owed(session, run, cases)
        case ReleaseVerdict() as decided:
            said = judging.of_run(session, agent.card.name, [result.transcript for result in results])
            held = judging.held(agent, said, decided)
            if held.word is Verdict.NOT_RUN:
                _end_not_run(session, run, held.why)
            else:
                eval_runs.finish_run(session, run.id, state=RunState.FINISHED, verdict=held.word, why=held.why)
            return []


def _look(
    session: Session, agent: Agent, fixed_repeats: int | None, cases: Sequence[Case], scores: Sequence[Score]
) -> ReleaseVerdict | GoOn:
    """Let the gate look at the scores beside the plays of the baseline."""
    shas = {one.id: one.sha for one in map(PlayedCase.of, cases)}
    baseline = baselines.plays(session, agent.card.name, shas)
    return gate.look(scores, baseline, pass_at_least=agent.card.evals.pass_at_least, repeats=fixed_repeats)


def _too_many_outages(results: Sequence[EvalResult]) -> str | None:
    met = [result for result in results if result.outages]
    if len(met) <= MOST_OUTAGES * len(results):
        return None
    return f"{len(met)} of {len(results)} plays met an outage, such as: {met[0].outages[0]}"


def _store(session: Session, run_id: int, played: Play) -> None:
    eval_runs.add_result(
        session,
        run_id,
        case_id=played.case.id,
        case_sha=played.case.sha,
        slice=played.case.slice,
        hard=played.case.hard,
        repeat=played.repeat,
        played=played.played,
        passed=played.played and not played.failures,
        failures=list(played.failures),
        outages=list(played.outages),
        transcript=list(played.transcript),
        duration_ms=played.milliseconds,
        cost_nusd=played.cost_nusd,
    )


def _end_not_run(session: Session, run: EvalRun, why: Sequence[str]) -> None:
    missing = run.cases * run.repeats - len(run_plays.stored(session, run.id))
    unplayed = (f"{missing} of {run.cases * run.repeats} plays were never started",) if missing > 0 else ()
    eval_runs.finish_run(session, run.id, state=RunState.INVALID, verdict=Verdict.NOT_RUN, why=(*why, *unplayed))

"""Plays the cases of evaluations: one job a play, and what the clock does for runs whose plays were lost.

The same job is run by the workers of the installation and by those of `deskhand eval run`. What is due is in the rows
of the run (`bot.evals.runs`); a job may be lost or run twice.
"""

import time
from datetime import timedelta

import structlog

from bot.errors import Transient
from bot.evals import plays, runs
from bot.evals.plays import Play, PlayedCase
from bot.queue import BEGIN_EVALUATION, PLAY_CASE, JobQueue
from bot.store.db import Database
from bot.store.releases import run_plays
from bot.store.schema import EvalRun, PlayedBy, RunKind, RunState, now
from jobs import eval_desk, probes
from jobs.engine import run_queue
from jobs.engine.deadlines import TimeIsUp
from jobs.eval_desk import EvalDesk, RunSetting
from jobs.process import WorkerContext

log = structlog.get_logger()

FORGOTTEN = timedelta(hours=1)
"A run that nobody has worked on for this long is ended without a verdict."
ON_ITS_WAY_SECONDS = 1.0
"A job that is missing for longer is lost: it comes into the queue right after the commit that expects it."


def play(name: str) -> None:
    """Play `run:case:repeat` unless it has a result, store what came of it, and queue what is due next."""
    desk = eval_desk.current()
    number, _, what = name.partition(":")
    case_id, _, repeat = what.rpartition(":")
    with desk.database.read() as session:
        run = run_plays.get(session, int(number))
        due = run is not None and run.state is RunState.RUNNING
        due = due and not run_plays.is_stored(session, int(number), case_id, int(repeat))
    setting = desk.setting(run) if run is not None and due else None
    if run is None or setting is None or case_id not in setting.cases:
        return
    played = _played(setting, case_id, int(repeat))
    if run.kind is RunKind.PROBE:
        probes.note_models(desk.database, setting.agent.card.name, run.release, played)
    more = runs.keep(desk.database, run.id, played, agent=setting.agent, cases=tuple(setting.cases.values()))
    _queue(setting, run, more)


def begin(run_id: int) -> None:
    """Queue the first plays of a run, and later what is due and not queued."""
    desk = eval_desk.current()
    with desk.database.read() as session:
        run = run_plays.get(session, run_id)
    setting = desk.setting(run) if run is not None and run.state is RunState.RUNNING else None
    if run is not None and setting is not None:
        queue_next(desk, run, setting)


def queue_next(desk: EvalDesk, run: EvalRun, setting: RunSetting) -> None:
    """Queue as many of the plays that are due as there is room for."""
    _queue(setting, run, runs.next_plays(desk.database, run.id, tuple(setting.cases.values())))


def look(ctx: WorkerContext) -> None:
    """Queue plays again that were lost with their worker, and end the runs that nobody works on any more."""
    with ctx.database.read() as session:
        under_way = run_plays.under_way(session)
    for run in under_way:
        if run.seen_at is None or now() - run.seen_at > FORGOTTEN:
            _give_up(ctx, run)
        elif run.played_by is PlayedBy.WORKERS:
            requeue_lost(ctx.database, ctx.queue, run.id)


def requeue_lost(database: Database, queue: JobQueue, run_id: int) -> int:
    """Queue the jobs of a run again that should be queued and are not, as their worker died.

    What is missing is looked for once more a moment later: who has written down that a play is queued is about to
    queue it, and a play that has just ended is about to be no longer expected.

    Returns:
        How many there were.
    """
    lost = _missing(database, queue, run_id)
    if lost:
        time.sleep(ON_ITS_WAY_SECONDS)
        lost &= _missing(database, queue, run_id)
    for job, argument in sorted(lost, key=str):
        queue.put(job, argument)
        log.warning("play.requeued", play=argument)
    return len(lost)


def _missing(database: Database, queue: JobQueue, run_id: int) -> set[tuple[str, int | str]]:
    """Return the jobs of a run, with their arguments, that should be queued or running now and are not."""
    with database.read() as session:
        run = run_plays.get(session, run_id)
    if run is None or run.state is not RunState.RUNNING:
        return set()
    due: set[tuple[str, int | str]] = {(PLAY_CASE, f"{run_id}:{play}") for play in run.queued}
    due = due or {(BEGIN_EVALUATION, run_id)}
    is_there = run_queue.look(queue)
    return {one for one in due if not is_there(*one)}


def _played(setting: RunSetting, case_id: str, repeat: int) -> Play:
    """Play a case; a bug of the evaluation itself says nothing about the agent, and would come again."""
    case = setting.cases[case_id]
    try:
        return plays.play(case, repeat, setting.runtime_for, setting.judge, place=setting.pace.place)
    except Transient:
        raise
    except (Exception, TimeIsUp) as bug:
        log.exception("play.crashed", case=case_id, error=type(bug).__name__)
        why = f"a bug in the evaluation: {type(bug).__name__}"
        return Play(PlayedCase.of(case), repeat, (), (), 0, 0, (why,), played=False)


def _queue(setting: RunSetting, run: EvalRun, names: tuple[str, ...]) -> None:
    for name in names:
        setting.queue.put(PLAY_CASE, f"{run.id}:{name}")


def _give_up(ctx: WorkerContext, run: EvalRun) -> None:
    with ctx.database.write() as session:
        locked = run_plays.lock(session, run.id)
        if locked is None or (locked.seen_at is not None and now() - locked.seen_at <= FORGOTTEN):
            return
        runs.end_unfinished(session, locked, "nobody went on with it for an hour")
    log.warning("run.given_up", run=run.id)
    if run.played_by is PlayedBy.COMMAND:
        run_queue.delete(run_queue.of(ctx.queue, run.id))

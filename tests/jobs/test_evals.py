"""Plays as jobs: what a worker of the installation does with one, and what the clock does for those that were lost."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.connection import Connection
from sqlalchemy import update

from bot.agent.model import Completion, Prompt
from bot.agent.release import release_of
from bot.agent.runtime import AgentRuntime
from bot.errors import Transient
from bot.evals import cases, pacing, plays, runs
from bot.evals.cases import Case
from bot.evals.plays import Play, PlayedCase
from bot.evals.runs import Chosen, PlannedRun
from bot.evals.stage import RuntimeFor
from bot.queue import PLAY_CASE
from bot.store.releases.eval_runs import RunPlan
from bot.store.schema import EvalResult, EvalRun, PlayedBy, now
from jobs import eval_desk, evals
from jobs.engine import run_queue
from jobs.eval_desk import EvalDesk
from jobs.process import WorkerContext
from tests.support.factories import rows

if TYPE_CHECKING:
    from bot.agent.card import Agent

CHOSEN = Chosen(slices=("suspended",))
PROMPT = Prompt("stand-in-1", "Be kind.", (), ({"role": "user", "content": "Hello"},), 300)
WORKERS = RunPlan(fixed_repeats=1, only=CHOSEN.words, played_by=PlayedBy.WORKERS, width=2)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the cases that are played, each of which passes."""
    seen = list[str]()

    def play(case: Case, repeat: int, _runtime_for: object, _judge: object, *, place: object) -> Play:
        seen.append(case.id)
        return Play(PlayedCase.of(case), repeat, (), (), 5, 300, (), played=True)

    monkeypatch.setattr(plays, "play", play)
    return seen


@pytest.fixture
def begin(ctx: WorkerContext) -> Callable[..., int]:
    """Return what opens a run for the workers of the installation."""

    def of(plan: RunPlan = WORKERS, **changed: object) -> int:
        agent: Agent = ctx.agents["access"]
        suite = cases.load(agent)
        release = release_of(ctx.settings, agent)
        planned = PlannedRun(agent, release, suite, CHOSEN.of(suite), plan, "U0OLIVIA")
        return runs.begin(ctx.database, replace(planned, **changed))  # type: ignore[arg-type]

    return of


def queued(ctx: WorkerContext) -> list[str]:
    """Return the arguments of the plays in the queue, first to last, and take them out."""
    found = [str(job.args[0]) for job in ctx.queue.queue.get_jobs() if job.func_name == PLAY_CASE]
    ctx.queue.queue.empty()  # type: ignore[no-untyped-call]  # rq leaves it untyped
    return found


def test_workers_play_a_few_at_a_time(ctx: WorkerContext, begin: Callable[..., int], played: list[str]) -> None:
    """Never more than the width are in the queue beside the turns of people; each is played once, to the end."""
    run_id = begin()
    evals.begin(run_id)
    evals.begin(run_id)
    waiting = queued(ctx)
    assert len(waiting) == 2
    while waiting:
        name = waiting.pop(0)
        evals.play(name)
        evals.play(name)
        waiting += queued(ctx)
        assert len(waiting) <= 2
    [run] = rows(ctx.database, EvalRun)
    suspended = [case.id for case in CHOSEN.of(cases.load(ctx.agents["access"]))]
    assert played == suspended
    assert sorted(row.case_id for row in rows(ctx.database, EvalResult)) == sorted(suspended)
    assert (run.state, run.queued) == ("invalid", [])


def test_a_worker_leaves_what_is_of_another_release(
    ctx: WorkerContext, begin: Callable[..., int], played: list[str]
) -> None:
    """Its verdict would be that of another one: neither another release nor another suite is played."""
    suite = cases.load(ctx.agents["access"])
    run_id = begin(suite=replace(suite, fingerprint="0" * 64))
    evals.begin(run_id)
    evals.play(f"{run_id}:{CHOSEN.of(suite)[0].id}:1")
    assert (queued(ctx), played, rows(ctx.database, EvalResult)) == ([], [], [])


def test_a_bug_in_a_play_ends_the_run_without_a_verdict(
    ctx: WorkerContext, begin: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would come again, and says nothing about the agent."""

    def crash(*_given: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(plays, "play", crash)
    evals.begin(begin())
    evals.play(queued(ctx)[0])
    [run] = rows(ctx.database, EvalRun)
    assert (run.state, run.verdict, str(run.why[0])[:27]) == ("invalid", "not_run", "never played to the end: su")
    assert rows(ctx.database, EvalResult)[0].outages == ["a bug in the evaluation: ZeroDivisionError"]


def test_a_model_that_asks_to_wait_slows_the_plays(
    ctx: WorkerContext, begin: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All plays of a run in one process are paced by the model that they share."""
    real = EvalDesk.runtime

    def busy(_prompt: Prompt) -> Completion:
        raise Transient("busy", retry_after=40)

    def refused(desk: EvalDesk, agent: "Agent") -> AgentRuntime:
        return replace(real(desk, agent), call_model=busy)

    places = list[object]()

    def play(case: Case, repeat: int, runtime_for: RuntimeFor, _judge: object, *, place: object) -> Play:
        places.append(place)
        with pytest.raises(Transient):
            runtime_for(ctx.database).call_model(PROMPT)
        return Play(PlayedCase.of(case), repeat, (), (), 5, 300, (), played=True)

    monkeypatch.setattr(EvalDesk, "runtime", refused)
    monkeypatch.setattr(plays, "play", play)
    evals.begin(begin())
    for name in queued(ctx):
        evals.play(name)
    [run] = rows(ctx.database, EvalRun)
    setting = eval_desk.current().setting(run)
    assert setting is not None
    assert (places, setting.pace.allowed) == ([setting.pace.place] * 2, pacing.FIRST // 2)


def test_the_clock_queues_what_was_lost(
    ctx: WorkerContext, begin: Callable[..., int], played: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A play that is in no queue and in no worker's hands; also the beginning of a run that was lost."""
    monkeypatch.setattr(evals, "ON_ITS_WAY_SECONDS", 0.0)
    run_id = begin()
    evals.look(ctx)
    assert ctx.queue.waiting() == 1
    evals.look(ctx)
    assert ctx.queue.waiting() == 1
    ctx.queue.queue.empty()  # type: ignore[no-untyped-call]  # rq leaves it untyped
    evals.begin(run_id)
    evals.look(ctx)
    first = queued(ctx)
    assert len(first) == 2
    evals.look(ctx)
    assert queued(ctx) == first


def test_a_play_that_is_on_its_way_is_not_queued_twice(
    ctx: WorkerContext, begin: Callable[..., int], played: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comes into the queue right after the commit that expects it, one has ended since the commit was read."""
    evals.begin(begin())
    first, second = queued(ctx)

    def meanwhile(_seconds: float) -> None:
        evals.play(first)
        ctx.queue.put(PLAY_CASE, second)

    monkeypatch.setattr(time, "sleep", meanwhile)
    evals.look(ctx)
    waiting = queued(ctx)
    assert (waiting[1], len(waiting), len(set(waiting) - {first})) == (second, 2, 2)


@pytest.mark.parametrize("of", [1, 2, 3])
def test_a_job_that_moves_on_while_it_is_looked_for_is_found(
    ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch, of: int
) -> None:
    """From the queue to the hands of a worker and into the registry of those that run, between any two commands."""
    ctx.queue.put(PLAY_CASE, "7:case:1")
    queue, send, sent = ctx.queue.queue, Connection.send_packed_command, list[object]()
    other = Redis.from_url(ctx.settings.redis_url)
    [job_id] = queue.get_job_ids()

    def moves(connection: Connection, *command: Any, **more: Any) -> None:
        """Move the job on before each command of the look but the first ones."""
        if connection not in other.connection_pool._in_use_connections:
            sent.append(command)
            if len(sent) == of:
                other.lmove(queue.key, queue.intermediate_queue_key)
            if len(sent) == of + 1:
                other.zadd(queue.started_job_registry.key, {f"{job_id}:an-execution": time.time() + 60})
                other.lrem(queue.intermediate_queue_key, 1, job_id)
        send(connection, *command, **more)  # type: ignore[no-untyped-call]  # redis leaves it untyped

    with closing(other):
        other.ping()
        monkeypatch.setattr(Connection, "send_packed_command", moves)
        is_there = run_queue.look(ctx.queue)
    assert is_there(PLAY_CASE, "7:case:1")


@pytest.mark.parametrize("played_by", PlayedBy)
def test_the_clock_ends_what_nobody_goes_on_with(
    ctx: WorkerContext, begin: Callable[..., int], played_by: PlayedBy
) -> None:
    """After an hour without a result or a sign of life; until then a command can go on with its own."""
    run_id = begin(replace(WORKERS, played_by=played_by))
    for silent, state in ((timedelta(minutes=59), "running"), (timedelta(minutes=61), "invalid")):
        with ctx.database.write() as session:
            session.execute(update(EvalRun).values(seen_at=now() - silent))
        evals.look(ctx)
        [run] = rows(ctx.database, EvalRun)
        assert (run.id, run.state) == (run_id, state)
    assert run.why[0] == "nobody went on with it for an hour"

"""Many jobs in one process: `jobs.engine.threads`, in processes of their own on a real Redis."""

import inspect
import math
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.client import Pipeline
from rq import Queue, Worker, suspension
from rq.command import (
    send_kill_horse_command,
    send_stop_execution_command,
    send_stop_job_command,
)
from rq.executions import Execution
from rq.job import Job
from rq.worker import BaseWorker, WorkerStatus

from bot import durations
from bot.queue import NAME, open_queue, worker_connection
from jobs.engine import threads
from jobs.engine.deadlines import Deadline
from jobs.engine.threads import InHand, ThreadWorker
from jobs.engine.worker_registry import RegisteredWorker
from tests.support import sample_jobs
from tests.support.busy_machine import SOON
from tests.support.redis_servers import free_port
from tests.support.worker_harness import SECONDS, WorkerHarness, wait_for

# --- many at once ---


def test_many_jobs_wait_together(harness: WorkerHarness) -> None:
    """Thirty are in hand at once, and each ends."""
    harness.start(concurrency=30)
    for number in range(30):
        harness.put(sample_jobs.hold, number)
    harness.wait_told("began", list(range(30)))
    assert harness.told("ran") == []
    sample_jobs.let_go(harness.redis)
    harness.wait_told("ran", list(range(30)))


def test_no_job_is_taken_that_cannot_start(harness: WorkerHarness) -> None:
    """With every slot taken, the rest stays in the queue for another worker."""
    harness.start(concurrency=3)
    for number in range(5):
        harness.put(sample_jobs.watch, number, 60)
    harness.wait_told("began", [0, 1, 2])
    time.sleep(0.5)
    assert (harness.told("began"), harness.queue.count) == ([0, 1, 2], 2)
    harness.start(concurrency=3)
    harness.wait_told("began", [0, 1, 2, 3, 4])


def test_nothing_is_left_of_a_job_that_is_done(harness: WorkerHarness) -> None:
    """No key in Redis speaks of it any more, and the worker has counted it."""
    worker = harness.start()
    before = set(harness.redis.keys())
    for number in range(50):
        harness.put(sample_jobs.tell, number)
    harness.wait_told("ran", list(range(50)))
    wait_for("the worker to be idle", lambda: harness.redis.hget("rq:worker:worker-0", "state") == b"idle")
    wait_for("it to have counted", lambda: harness.redis.hget("rq:worker:worker-0", "successful_job_count") == b"50")
    assert set(harness.redis.keys()) - before <= {b"chores:ran", b"rq:clean_groups", b"rq:queues"}
    assert worker.poll() is None


def test_a_job_takes_few_round_trips(harness: WorkerHarness) -> None:
    """Taking and reading, one to begin and three to end: RQ's own worker makes three times as many."""
    for number in range(100):
        harness.put(sample_jobs.tell, number)
    before = _round_trips(harness)
    assert harness.start(burst=True).wait(SECONDS) == 0
    assert harness.told("ran") == list(range(100))
    assert (_round_trips(harness) - before) / 100 < 7


def _round_trips(harness: WorkerHarness) -> int:
    stats = harness.redis.info("commandstats")
    alone = ("lmove", "hgetall", "exec", "watch", "get", "set", "exists", "smembers", "zrange")
    return sum(stats[f"cmdstat_{name}"]["calls"] for name in alone if f"cmdstat_{name}" in stats)


def test_whatever_it_asks_for_a_job_leaves_nothing_and_nothing_follows_it(harness: WorkerHarness) -> None:
    """No result is kept and no other job is put in the queue: what follows a turn stands in its rows."""
    job = harness.put(sample_jobs.tell, 1, result_ttl=60)
    harness.put(sample_jobs.tell, 2, depends_on=job)
    assert harness.start(burst=True).wait(SECONDS) == 0
    assert (harness.told("ran"), harness.queue.count, Job.exists(job.id, harness.redis)) == ([1], 0, False)
    assert harness.queue.finished_job_registry.get_job_ids() == []


def test_a_job_that_raises_has_failed(harness: WorkerHarness) -> None:
    """With the kind of its error in RQ's registry and not its text, which the log has no more than Redis."""
    job = harness.put(sample_jobs.fail)
    harness.start()
    wait_for("its failure", lambda: job.id in harness.queue.failed_job_registry.get_job_ids())
    assert job.get_status() == "failed"
    result = job.latest_result()
    assert result is not None
    found = re.fullmatch(r"ValueError \(error (\w{8}) in the log\)", str(result.exc_string))
    assert found is not None
    assert f'"error_id": "{found[1]}"' in harness.log()
    assert "nothing works" not in harness.log()
    harness.put(sample_jobs.tell, 1)
    harness.wait_told("ran", [1])


def test_a_job_that_takes_too_long_has_failed(harness: WorkerHarness) -> None:
    """Its thread is free for others; those beside it go on."""
    slow, other = harness.put(sample_jobs.toil, 1, 60, timeout=1), harness.put(sample_jobs.hold, 2)
    harness.start()
    wait_for("its failure", lambda: slow.get_status() == "failed")
    result = slow.latest_result()
    assert result is not None
    assert "TimeIsUp" in str(result.exc_string)
    assert other.get_status() == "started"
    sample_jobs.let_go(harness.redis)
    harness.wait_told("ran", [2])


def test_a_record_that_cannot_be_read_is_left_out(harness: WorkerHarness) -> None:
    """It ends no worker and is not tried again."""
    harness.redis.hset("rq:job:broken", mapping={"created_at": "yesterday", "data": b"\xff"})
    harness.redis.rpush(harness.queue.key, "broken")
    harness.start()
    harness.put(sample_jobs.tell, 1)
    harness.wait_told("ran", [1])
    assert harness.queue.intermediate_queue.get_job_ids() == []
    assert '"wrong": "unreadable"' in harness.log()


def test_a_burst_ends_when_nothing_can_follow(harness: WorkerHarness) -> None:
    """A job in hand may queue another, and that is done too."""
    harness.put(sample_jobs.follow, 2)
    assert harness.start(burst=True).wait(SECONDS) == 0
    assert harness.told("ran") == [1, 2]


# --- seen by RQ's tools ---


def test_rq_sees_it(harness: WorkerHarness) -> None:
    """`rq info`, RQ's registries and its worker class show who has what in hand."""
    harness.start()
    jobs = [harness.put(sample_jobs.watch, number, 60) for number in range(3)]
    harness.wait_told("began", [0, 1, 2])
    shown = subprocess.run(
        [Path(sys.executable).with_name("rq"), "info", "--url", harness.url, "--raw"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"queue {NAME} 0, 3 executing, 0 finished, 0 failed" in shown
    assert "worker worker-0 (" in shown
    assert f"busy {NAME}." in shown
    [worker] = Worker.all(connection=harness.redis)
    assert worker.pid == harness.workers[0].pid
    assert {one.job_id for one in worker.get_current_executions()} == {job.id for job in jobs}
    assert sorted(harness.queue.started_job_registry.get_job_ids()) == sorted(job.id for job in jobs)
    assert {job.get_status() for job in jobs} == {"started"}


def test_a_suspended_worker_takes_nothing(harness: WorkerHarness) -> None:
    """`rq suspend` holds the queue, `rq resume` lets it go on."""
    suspension.suspend(harness.redis)
    harness.start()
    harness.put(sample_jobs.tell, 1)
    wait_for("the suspension", lambda: harness.redis.hget("rq:worker:worker-0", "state") == b"suspended")
    assert harness.queue.count == 1
    suspension.resume(harness.redis)
    harness.wait_told("ran", [1])


def test_a_worker_that_was_killed_is_soon_not_seen(harness: WorkerHarness) -> None:
    """Its records have a time to live and nothing of it stays."""
    worker = harness.start()
    harness.put(sample_jobs.watch, 1, 60)
    harness.wait_told("began", [1])
    worker.kill()
    worker.wait()
    keys = [key for pattern in ("rq:worker:*", "rq:execution*") for key in harness.redis.keys(pattern)]
    assert len(keys) == 4
    assert all(0 < harness.redis.ttl(key) <= durations.WORKER_SEEN + 60 for key in keys)
    assert harness.redis.ttl("rq:worker:worker-0") <= durations.WORKER_SEEN


# --- stopping one ---


@pytest.mark.parametrize("how", ["job", "execution"])
def test_one_of_many_is_stopped(harness: WorkerHarness, how: str) -> None:
    """RQ's own commands reach the right one; it ends when it looks up, and RQ has it as stopped."""
    harness.start()
    jobs = [harness.put(sample_jobs.watch, number, 60) for number in range(5)]
    harness.wait_told("began", [0, 1, 2, 3, 4])
    if how == "job":
        send_stop_job_command(harness.redis, jobs[3].id)
    else:
        [execution] = jobs[3].get_executions()
        send_stop_execution_command(harness.redis, jobs[3].id, execution.id)
    harness.wait_told("stopped", [3])
    wait_for("the record", lambda: jobs[3].get_status() == "stopped")
    assert {job.get_status() for job in jobs if job is not jobs[3]} == {"started"}
    assert harness.queue.started_job_registry.get_job_count() == 4


def test_one_that_does_not_look_up_is_stopped_all_the_same(harness: WorkerHarness) -> None:
    """A little later, in the middle of its work; it is stopped and not failed."""
    harness.start()
    job = harness.put(sample_jobs.toil, 1, 60)
    harness.wait_told("began", [1])
    send_stop_job_command(harness.redis, job.id)
    wait_for("the stop", lambda: job.get_status() == "stopped")
    assert harness.told("ran") == []


def test_commands_that_mean_nothing_harm_nothing(harness: WorkerHarness) -> None:
    """Rubbish on the channel, a job that is not here, a horse that is none: the next command is heard."""
    harness.start()
    job = harness.put(sample_jobs.watch, 1, 60)
    harness.wait_told("began", [1])
    for rubbish in ("", "{", "[]", "{}", '{"command": "stop-job"}', '{"command": "stop-execution"}', b"\xff"):
        harness.redis.publish("rq:pubsub:worker-0", rubbish)
    send_kill_horse_command(harness.redis, "worker-0")
    send_stop_job_command(harness.redis, job.id)
    harness.wait_told("stopped", [1])


# --- what it is made of ---


def test_it_refuses_what_it_cannot_do(redis_url: str) -> None:
    """Several queues would lose a job that dies after the pop; a scheduler forks."""
    with worker_connection(redis_url, connections=10) as client:
        several = ThreadWorker([Queue("a", connection=client), Queue("b", connection=client)], connection=client)
        with pytest.raises(ValueError, match="one queue, not 2"):
            several.bootstrap()
        with pytest.raises(ValueError, match="no scheduler"):
            several._start_scheduler()


def test_it_makes_no_call_before_it_works() -> None:
    """A Redis that is away does not keep it from being made."""
    with worker_connection(f"redis://127.0.0.1:{free_port()}/0", connections=10) as client:
        assert ThreadWorker([open_queue(client)], connection=client).in_hand == set()
        with pytest.raises(redis.ConnectionError):
            client.ping()


OVERRIDDEN = {
    "bootstrap": "(self, logging_level, date_format, log_format)",
    "check_for_suspension": "(self, burst)",
    "_enqueue_dependents_safely": "(self, queue, job)",
    "clean_group_registries": "(self)",
    "clean_registries": "(self)",
    "cleanup_execution": "(self, job, pipeline, execution)",
    "connection_timeout": "property",
    "dequeue_job_and_maintain_ttl": "(self, timeout, max_idle_time)",
    "dequeue_timeout": "property",
    "execute_job": "(self, job, queue)",
    "handle_execution_ended": "(self, job, queue, heartbeat_ttl)",
    "handle_job_failure": "(self, job, queue, started_job_registry, exc_string, execution)",
    "handle_job_success": "(self, job, queue, started_job_registry, execution)",
    "handle_payload": "(self, message)",
    "heartbeat": "(self, timeout, pipeline)",
    "procline": "(self, message)",
    "register_birth": "(self)",
    "request_stop": "(self, signum, frame)",
    "request_stop_execution": "(self, execution_id)",
    "run_maintenance_tasks": "(self)",
    "set_state": "(self, state, pipeline)",
    "subscribe": "(self)",
    "teardown": "(self)",
    "unsubscribe": "(self)",
}
CALLED = {
    "_install_signal_handlers": "(self)",
    "_finalize_success": "(self, job, queue, execution, return_value)",
    "increment_successful_job_count": "(self, pipeline)",
    "increment_total_working_time": "(self, job_execution_time, pipeline)",
    "serialize": "(self)",
    "set_shutdown_requested_date": "(self)",
}


def _signature(name: str) -> str:
    member = inspect.getattr_static(BaseWorker, name)
    return "property" if isinstance(member, property) else f"({', '.join(inspect.signature(member).parameters)})"


def test_rq_still_has_what_is_overridden() -> None:
    """Each method that ours replaces or leans on is in the installed RQ, with the same arguments."""
    ours = {name for kind in (ThreadWorker, RegisteredWorker) for name in vars(kind)}
    replaced = {name for name in ours & set(vars(BaseWorker)) if not name.startswith("__")}
    assert replaced - {"death_penalty_class", "log_result_lifespan", "_start_scheduler"} == set(OVERRIDDEN)
    for name, signature in {**OVERRIDDEN, **CALLED}.items():
        assert _signature(name) == signature, name


def test_rqs_loop_calls_what_is_overridden() -> None:
    """The hooks are called by RQ's own `work`, the stopped job's id is read where ours is written."""
    loop, failure = inspect.getsource(BaseWorker.work), inspect.getsource(BaseWorker.handle_job_failure)
    for call in ("bootstrap", "check_for_suspension", "run_maintenance_tasks", "execute_job", "teardown"):
        assert f"self.{call}(" in loop, call
    assert "self._enqueue_dependents_safely(" in failure
    assert {"self.clean_registries()", "self.clean_group_registries()"} <= set(
        inspect.getsource(BaseWorker.run_maintenance_tasks).split()
    )
    assert "self.dequeue_job_and_maintain_ttl(timeout, max_idle_time)" in loop
    assert "if self._stop_requested:" in loop
    assert "self._stopped_job_id == job.id" in failure


@pytest.fixture
def idle(redis_url: str) -> Iterator[ThreadWorker]:
    """Return a worker that is seen, and whose loop does not run."""
    with worker_connection(redis_url, connections=10) as client:
        worker = ThreadWorker([open_queue(client)], connection=client)
        worker.register_birth()
        yield worker


def test_it_hears_no_command_before_it_can_obey(idle: ThreadWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command to shut down is a signal to itself: whoever listens already has what handles the signal."""
    found = list[object]()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(idle, "keep_beating", lambda: None)
    monkeypatch.setattr(idle, "keep_listening", lambda: found.extend(map(signal.getsignal, before)))
    try:
        idle.bootstrap()
        idle.teardown()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert found == [idle.request_stop] * 2


def test_giving_back_does_not_keep_the_process(idle: ThreadWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that hangs in it is left behind: leases find what was in hand."""
    monkeypatch.setattr(threads, "ANSWER_SECONDS", 0.1)
    for_ever, began = threading.Event(), time.monotonic()
    idle._on_abandon, idle._gives_up_at = for_ever.wait, -math.inf
    job = idle.queues[0].enqueue(sample_jobs.tell, 1)
    idle.in_hand.add(InHand(job, idle.queues[0], Deadline(1), Execution("1", job.id, idle.connection)))
    idle.teardown()
    assert time.monotonic() - began < SOON
    for_ever.set()


def test_a_beat_does_not_bring_back_what_ends_meanwhile(idle: ThreadWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that ends while all that is in hand is being told has no record afterwards; one that goes on has."""
    jobs = [idle.queues[0].enqueue(sample_jobs.tell, number) for number in range(2)]
    ended, going = (idle.prepare_execution(job) for job in jobs)
    tell = RegisteredWorker._write

    def told_as_it_ends(worker: ThreadWorker, execution: Execution, pipeline: Pipeline) -> None:
        tell(worker, execution, pipeline)
        if execution is ended:
            with idle.connection.pipeline() as another:
                idle.cleanup_execution(jobs[0], another, execution)
                another.execute()

    monkeypatch.setattr(RegisteredWorker, "_write", told_as_it_ends)
    idle.register_birth()
    assert (idle.connection.exists(ended.key), idle.connection.exists(going.key)) == (0, 1)
    assert idle.connection.smembers(idle.executions_key) == {going.composite_key.encode()}
    assert idle.queues[0].started_job_registry.get_job_ids() == [jobs[1].id]


def test_a_redis_that_goes_away_ends_a_suspension(idle: ThreadWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not shown suspended for ever; whether it still is, the next look tells."""

    def away(_worker: ThreadWorker, _burst: bool) -> None:  # noqa: FBT001 - RQ's signature
        idle._state = WorkerStatus.SUSPENDED
        raise redis.ConnectionError

    monkeypatch.setattr(BaseWorker, "check_for_suspension", away)
    idle.check_for_suspension(burst=False)
    idle.register_birth()
    assert idle.connection.hget(idle.key, "state") == b"idle"

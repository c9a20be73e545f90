"""A worker that is told to end, or whose Redis ends: `jobs.engine.threads`."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Worker
from rq.command import (
    send_shutdown_command,
    send_stop_execution_command,
)

from bot import durations
from jobs.engine import threads
from tests.support import sample_jobs
from tests.support.busy_machine import SOON
from tests.support.redis_servers import RedisServer, free_port
from tests.support.worker_harness import SECONDS, WorkerHarness, wait_for

# --- the end ---


def has_heard(harness: WorkerHarness) -> bool:
    """Return whether the worker knows that it should end."""
    return bool(harness.redis.hget("rq:worker:worker-0", "shutdown_requested_date"))


def test_twenty_in_hand_are_finished_first(harness: WorkerHarness) -> None:
    """SIGTERM: they end, nothing more is taken, no record stays, and the worker has left."""
    worker = harness.start(concurrency=20)
    for number in range(25):
        harness.put(sample_jobs.hold, number)
    harness.wait_told("began", list(range(20)))
    worker.terminate()
    wait_for("it to have heard", lambda: has_heard(harness))
    sample_jobs.let_go(harness.redis)
    assert worker.wait(SECONDS) == 0
    assert harness.told("ran") == list(range(20))
    assert harness.queue.count == 5
    assert harness.queue.started_job_registry.get_job_count() == 0
    assert Worker.all(connection=harness.redis) == []
    assert list(harness.folder.glob("worker-?")) == []


def test_what_takes_longer_is_given_up(harness: WorkerHarness) -> None:
    """When the time to drain is over the rest is given back and the process ends, whatever its threads do."""
    worker = harness.start(drain=1.0)
    for number in range(5):
        harness.put(sample_jobs.wait, number, 60)
    harness.wait_told("began", list(range(5)))
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(SECONDS) == 0
    assert 1.0 < time.monotonic() - began < SOON
    assert (harness.folder / "worker-0").read_text(encoding="utf-8") == "given back"
    assert Worker.all(connection=harness.redis) == []


def test_a_second_signal_does_not_wait(harness: WorkerHarness) -> None:
    """Two so close that they are one wait; another a second later ends it at once."""
    worker = harness.start(drain=60)
    harness.put(sample_jobs.wait, 1, 60)
    harness.wait_told("began", [1])
    worker.send_signal(signal.SIGINT)
    worker.terminate()
    time.sleep(threads.SAME_SIGNAL_SECONDS + 0.5)
    assert worker.poll() is None

    def has_ended() -> bool:
        worker.terminate()  # on a busy machine it may only now have heard of the first
        return worker.poll() is not None

    wait_for("its end", has_ended)
    assert worker.wait() == 0
    assert (harness.folder / "worker-0").exists()


def test_it_beats_while_it_drains(harness: WorkerHarness) -> None:
    """A long drain is not taken for a death."""
    worker = harness.start(drain=60)
    harness.put(sample_jobs.hold, 1)
    harness.wait_told("began", [1])
    worker.terminate()
    wait_for("it to have heard", lambda: has_heard(harness))
    for _ in range(2):  # the first beat may have been on its way
        harness.redis.expire("rq:worker:worker-0", durations.WORKER_SEEN // 2)
        wait_for("a beat", lambda: int(harness.redis.ttl("rq:worker:worker-0")) > durations.WORKER_SEEN // 2)
    sample_jobs.let_go(harness.redis)
    assert worker.wait(SECONDS) == 0


def test_rq_ends_it_too(harness: WorkerHarness) -> None:
    """The shutdown command is the signal."""
    worker = harness.start()
    send_shutdown_command(harness.redis, "worker-0")
    assert worker.wait(SECONDS) == 0


def test_the_end_just_after_a_job_came_loses_nothing(harness: WorkerHarness) -> None:
    """SIGTERM within milliseconds of the job: it has run, or it is still in the queue, and never in between."""
    ran = 0
    for number, pause in enumerate((0.0, 0.001, 0.002, 0.003, 0.004, 0.005, 0.05, 0.5, 5.0, 50.0)):
        if number > 5 and ran:
            break  # longer pauses are only for a machine so busy that no job has begun yet
        worker = harness.start()
        harness.put(sample_jobs.wait, number, 0.05)
        time.sleep(pause)
        worker.terminate()
        assert worker.wait(SECONDS) == 0
        ran = len(harness.told("ran"))
        assert ran + harness.queue.count == number + 1
        assert harness.queue.intermediate_queue.get_job_ids() == []
    assert ran


# --- Redis away ---


def test_redis_killed_and_back_empty(
    own_harness: tuple[WorkerHarness, RedisServer], redis_server: Callable[..., Any]
) -> None:
    """What is in hand goes on; the worker is seen again with it, can stop it, and takes new jobs."""
    harness, server = own_harness
    worker = harness.start()
    for number in range(3):
        harness.put(sample_jobs.watch, number, 60)
    harness.wait_told("began", [0, 1, 2])
    server.kill()
    time.sleep(2.5)
    redis_server(int(server.url.split(":")[2].split("/")[0]))
    harness.put(sample_jobs.tell, 7)
    harness.wait_told("ran", [7])

    def has_all_in_hand() -> bool:
        """Return whether the worker is seen with all three: its record and theirs come one by one."""
        seen = Worker.all(connection=harness.redis, queue=harness.queue)
        return [len(worker.get_current_executions()) for worker in seen] == [3]

    wait_for("the worker to be seen with all three", has_all_in_hand)
    [seen] = Worker.all(connection=harness.redis, queue=harness.queue)
    assert (seen.get_state(), seen.pid) == ("busy", worker.pid)
    harness.wait_hears(seen.name)
    for execution in seen.get_current_executions():
        send_stop_execution_command(harness.redis, execution.job_id, execution.id)
    harness.wait_told("stopped", [0, 1, 2])
    assert worker.poll() is None


def test_a_job_that_ends_while_redis_is_away_is_only_logged(
    own_harness: tuple[WorkerHarness, RedisServer], redis_server: Callable[..., Any]
) -> None:
    """Its effects stand, and the slot is free for the next."""
    harness, server = own_harness
    harness.start(concurrency=1)
    harness.put(sample_jobs.outlast)
    wait_for("it to be in hand", lambda: harness.queue.started_job_registry.get_job_count() == 1)
    server.kill()
    wait_for("the job's end", lambda: '"trying_to": "record a success"' in harness.log())
    redis_server(int(server.url.split(":")[2].split("/")[0]))
    harness.put(sample_jobs.tell, 2)
    harness.wait_told("ran", [2])


def test_it_starts_before_redis_does(redis_server: Callable[..., RedisServer], tmp_path: Path) -> None:
    """It waits for Redis, whichever of them comes first."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with Redis.from_url(url) as client:
        harness = WorkerHarness(url, client, tmp_path)
        worker = harness.start(burst=True)
        wait_for("it to try", lambda: "redis.not_reached" in harness.log())
        redis_server(port)
        assert worker.wait(SECONDS) == 0


def test_a_redis_that_hangs_ends_nothing(own_harness: tuple[WorkerHarness, RedisServer]) -> None:
    """It stands still for longer than an answer may take, and all goes on."""
    harness, server = own_harness
    worker = harness.start()
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(4)  # an answer may take two there
    server.process.send_signal(signal.SIGCONT)
    assert worker.poll() is None
    harness.put(sample_jobs.tell, 1)
    harness.wait_told("ran", [1])

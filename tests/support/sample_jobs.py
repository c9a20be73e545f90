"""Jobs for the workers of the tests, which tell in Redis what became of them."""

import time
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError
from rq import get_current_job

from jobs.engine import deadlines
from tests.support.queues import queue_of

_GO = "chores:go"


def tell(number: int) -> None:
    """Say that it ran."""
    _tell("ran", number)


def wait(number: int, seconds: float) -> None:
    """Wait in C, as for a database, and say when it begins and ends."""
    _tell("began", number)
    time.sleep(seconds)
    _tell("ran", number)


def hold(number: int) -> None:
    """Wait until `let_go`, and say when it begins and ends."""
    job = get_current_job()
    assert job is not None
    _tell("began", number)
    while not job.connection.exists(_GO):
        time.sleep(0.01)
    _tell("ran", number)


def let_go(redis: Redis) -> None:
    """Let every chore go on that holds."""
    redis.set(_GO, 1)


def outlast() -> None:
    """Wait until Redis is away, and say nothing."""
    job = get_current_job()
    assert job is not None
    with suppress(RedisError):
        while job.connection.ping():
            time.sleep(0.01)


def watch(number: int, seconds: float) -> None:
    """Work in small steps and look up between two; say how it ended."""
    _tell("began", number)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if deadlines.stop_asked():
            _tell("stopped", number)
            return
        time.sleep(0.01)
    _tell("ran", number)


def toil(number: int, seconds: float) -> None:
    """Work in small steps and never look up."""
    _tell("began", number)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)
    _tell("ran", number)


def fail() -> None:
    """Raise."""
    raise ValueError("nothing works")


def follow(number: int) -> None:
    """Queue the next job, as late as it can."""
    job = get_current_job()
    assert job is not None
    time.sleep(0.2)
    queue = queue_of(job.connection)
    queue.enqueue(tell, number)
    _tell("ran", number - 1)


def _tell(what: str, number: int) -> None:
    job = get_current_job()
    assert job is not None
    job.connection.rpush(f"chores:{what}", number)

"""The door to RQ: `bot.queue`."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from urllib.parse import urlsplit

import pytest
import redis

from bot import queue
from bot.errors import Transient
from bot.queue import JOBS, RUN_TURN, JobQueue
from tests.conftest import RedisServer, free_port


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
    assert (job.func_name, job.args, job.kwargs) == (RUN_TURN, (7,), {})
    assert (job.timeout, job.result_ttl, job.retries_left) == (queue.JOB_SECONDS, 0, None)


def _after(work: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(Transient, match="redis: "):
        work()
    return time.monotonic() - started


def test_redis_away_is_known_at_once() -> None:
    """Nobody listens: an acknowledgement to Slack is not held up."""
    jobs = JobQueue.connect(f"redis://127.0.0.1:{free_port()}/0")
    assert _after(lambda: jobs.put(RUN_TURN, 1)) < 1
    assert _after(jobs.waiting) < 1
    jobs.close()


def test_a_redis_that_hangs_is_known_within_a_second() -> None:
    """It takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        jobs = JobQueue.connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert _after(lambda: jobs.put(RUN_TURN, 1)) < 1
        jobs.close()


def test_a_command_whose_reply_is_lost_is_not_made_again(redis_url: str) -> None:
    """It was carried out; a client that tries by itself would do it twice."""
    with _forgetful(redis_url, b"INCR") as url, redis.Redis.from_url(redis_url) as direct:
        with queue.connection(url, socket_seconds=0.5) as client, pytest.raises(redis.ConnectionError):
            client.incr("jobs")
        assert direct.get("jobs") == b"1"


@contextmanager
def _forgetful(redis_url: str, command: bytes) -> Iterator[str]:
    """Pass everything on to a Redis, but hang up in place of the reply to one command."""
    place = urlsplit(redis_url)

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection((str(place.hostname), int(place.port or 0))) as server:
            while asked := client.recv(65_536):
                server.sendall(asked)
                answer = server.recv(65_536)
                if command in asked:
                    return
                client.sendall(answer)

    def listen(listener: socket.socket) -> None:
        with suppress(OSError):  # the test has closed it
            while True:
                serve(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,), daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


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

"""The worker process, and RQ's own, with our jobs: `jobs.worker`."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import pytest
from rq import Worker

from bot.ground import Kind
from bot.queue import DELIVER, RUN_TURN, JobQueue
from bot.store import db
from bot.store.db import Database
from bot.store.installation import marks
from bot.store.schema import Turn
from tests.support import forked_processes
from tests.support.factories import FIRST, new_turn, rows
from tests.support.forked_processes import Forked
from tests.support.paths import CONFIG, ROOT
from tests.support.redis_servers import free_port
from tests.support.redis_users import EVERYTHING, redis_user
from tests.support.worker_harness import SECONDS, wait_for

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class WorkerProcesses:
    """Where a worker process runs: a database, a queue, and a Slack that takes calls and never answers."""

    environment: dict[str, str]
    database: Database
    queue: JobQueue
    log: IO[bytes]

    def start(self, *module: str, **environment: str) -> Forked:
        """Start a module with its arguments."""
        return forked_processes.start(module, {**self.environment, **environment}, output=self.log)

    def seen(self) -> list[Any]:
        """Return the workers that are seen."""
        return Worker.all(connection=self.queue.queue.connection, queue=self.queue.queue)


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api/"


@pytest.fixture
def workers(sqlite_url: str, redis_url: str, silent: str, tmp_path: Path) -> Iterator[WorkerProcesses]:
    database = db.connect(sqlite_url)
    queue = JobQueue.connect(redis_url, marks.enter(database, Kind.INSTALLATION))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": redis_url,
        "SLACK_BOT_TOKEN": "xoxb-workers",
        "SLACK_API_URL": silent,
        "ANTHROPIC_API_KEY": "nobody-calls-a-model-here",
        "DESKHAND_MODEL": "stand-in-1",
        "DESKHAND_CONFIG": str(CONFIG),
        "NO_PROXY": "127.0.0.1",
    }
    with (tmp_path / "log").open("wb") as log:
        yield WorkerProcesses(environment, database, queue, log)
    queue.close()
    database.close()


@pytest.fixture
def started(workers: WorkerProcesses) -> Iterator[Callable[..., Forked]]:
    """Return a function that starts a worker and waits until it is seen."""
    processes: list[Forked] = []

    def start(*module: str, **environment: str) -> Forked:
        processes.append(workers.start(*(module or ("jobs.worker",)), **environment))
        wait_for("the worker to be seen", lambda: processes[-1].pid in [worker.pid for worker in workers.seen()])
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def queued(workers: WorkerProcesses, count: int) -> list[int]:
    """Queue the jobs of so many new turns, each of a requester of its own."""
    turns = [
        new_turn(workers.database, replace(FIRST, event_id=f"Ev{n}", ts=f"{n}.0", user=f"U{n}")) for n in range(count)
    ]
    for turn in turns:
        workers.queue.put(RUN_TURN, turn)
    return turns


def states(workers: WorkerProcesses) -> list[tuple[str, int]]:
    """Return state and attempt of every turn."""
    return [(turn.state, turn.attempt) for turn in sorted(rows(workers.database, Turn), key=lambda turn: turn.id)]


@pytest.mark.parametrize(
    ("command", "environment", "at_once"),
    [
        (("jobs.worker",), {"DESKHAND_CONCURRENCY": "3"}, 3),
        (("jobs.worker", "--concurrency", "4"), {"DESKHAND_CONCURRENCY": "3"}, 4),
        (("bot.cli", "worker", "--concurrency", "2"), {}, 2),
    ],
)
def test_so_many_turns_at_once(
    workers: WorkerProcesses,
    started: Callable[..., Forked],
    command: tuple[str, ...],
    environment: dict[str, str],
    at_once: int,
) -> None:
    """As the setting says, or the option: the rest waits in the queue."""
    queued(workers, 5)
    started(*command, **environment)
    wait_for("turns to run", lambda: states(workers).count(("running", 1)) == at_once)
    time.sleep(0.3)
    assert states(workers).count(("running", 1)) == at_once
    assert workers.queue.waiting() == 5 - at_once


def test_turns_that_do_not_end_in_time_are_given_back(workers: WorkerProcesses, started: Callable[..., Forked]) -> None:
    """SIGTERM and a drain of a second: they wait again, in the queue, for the next worker to begin at once."""
    turns = queued(workers, 4)
    worker = started(DESKHAND_DRAIN="1")
    wait_for("turns to run", lambda: states(workers) == [("running", 1)] * 4)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(SECONDS) == 0
    assert {state for state, _ in states(workers)} == {"waiting"}
    assert sorted(job.args[0] for job in workers.queue.queue.jobs) == turns
    assert workers.seen() == []
    started()
    wait_for("turns to run", lambda: {state for state, _ in states(workers)} == {"running"})


def test_rqs_own_worker_runs_our_jobs(workers: WorkerProcesses) -> None:
    """`rq worker --burst` forks for each; a turn that Slack keeps waiting is put back, and no job fails."""
    [turn] = queued(workers, 1)
    workers.queue.put(RUN_TURN, 999)
    workers.queue.put(DELIVER, 999)
    away = f"http://127.0.0.1:{free_port()}/api/"
    at = (
        "--url",
        workers.environment["REDIS_URL"],
        "--serializer",
        "json",
        "--job-class",
        "jobs.engine.job_validation.ValidatedJob",
    )
    command = ("rq.cli", "worker", "--burst", *at, workers.queue.queue.name)
    assert workers.start(*command, SLACK_API_URL=away).wait(300) == 0
    assert (workers.queue.waiting(), workers.queue.failed()) == (0, 0)
    [seen] = rows(workers.database, Turn)
    assert (seen.id, seen.state, seen.attempt >= 1) == (turn, "waiting", True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set; `deskhand init` sets up"),
        ({"DESKHAND_CONCURRENCY": "0"}, "DESKHAND_CONCURRENCY"),
        ({"DESKHAND_CONFIG": "/nowhere"}, "/nowhere"),
    ],
)
def test_a_wrong_setting_stops_it(workers: WorkerProcesses, wrong: dict[str, str], said: str) -> None:
    """With exit code 2 and one sentence that names it."""
    assert workers.start("jobs.worker", **wrong).wait(SECONDS) == 2
    workers.log.flush()
    [line] = Path(workers.log.name).read_text(encoding="utf-8").splitlines()
    assert line.startswith("deskhand worker: ")
    assert said in line


@pytest.mark.parametrize("name", ["worker", "clock"])
def test_a_right_in_redis_that_is_missing_stops_it(workers: WorkerProcesses, name: str) -> None:
    """With exit code 2 and one sentence that names it: a process manager must not start it for ever."""
    with redis_user(workers.environment["REDIS_URL"], f"{EVERYTHING} -@dangerous -script") as url:
        assert workers.start(f"jobs.{name}", REDIS_URL=url).wait(SECONDS) == 2
    workers.log.flush()
    assert Path(workers.log.name).read_text(encoding="utf-8") == (
        f"deskhand {name}: redis: the user of REDIS_URL may not use INFO, SCRIPT LOAD, SCRIPT FLUSH; "
        "docs/how-to/install.md lists what it needs\n"
    )

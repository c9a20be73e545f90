"""A queue on a real Redis, and worker processes of their own for `jobs.engine.threads`."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job

from bot.queue import open_queue
from tests.support import forked_processes
from tests.support.forked_processes import Forked

SECONDS = 120.0


@dataclass
class WorkerHarness:
    """A queue, and the worker processes of one test."""

    url: str
    redis: Redis
    folder: Path
    workers: list[Forked] = field(default_factory=list)

    @property
    def queue(self) -> Queue:
        """The queue of the house."""
        return open_queue(self.redis)

    def put(self, job: Callable[..., None], *arguments: float, **options: Any) -> Job:
        """Put a chore in the queue, which leaves nothing behind unless told otherwise."""
        return self.queue.enqueue_call(job, arguments, **{"result_ttl": 0, "timeout": 60, **options})

    def start(self, *, concurrency: int = 10, drain: float = 20.0, burst: bool = False) -> Forked:
        """Start a worker, and wait until it is seen."""
        name = f"worker-{len(self.workers)}"
        module = [
            "tests.support.worker_main",
            self.url,
            name,
            str(concurrency),
            str(drain),
            *(["burst"] if burst else []),
        ]
        environment = {**os.environ, "ABANDONED": str(self.folder / name)}
        with (self.folder / f"{name}.log").open("w") as log:
            self.workers.append(forked_processes.start(module, environment, output=log))
        if not burst:
            self.wait_hears(name)
        return self.workers[-1]

    def wait_hears(self, name: str) -> None:
        """Wait until a worker hears commands."""
        wait_for(f"{name} to hear", lambda: self.redis.pubsub_numsub(f"rq:pubsub:{name}")[0][1] == 1)

    def log(self, number: int = 0) -> str:
        """Return what a worker has logged."""
        return (self.folder / f"worker-{number}.log").read_text(encoding="utf-8")

    def told(self, what: str) -> list[int]:
        """Return the chores that began, ran or stopped, in order of their numbers."""
        return sorted(int(number) for number in self.redis.lrange(f"chores:{what}", 0, -1))

    def wait_told(self, what: str, numbers: list[int]) -> None:
        """Wait until exactly these chores have said so."""
        wait_for(f"{what} {numbers}", lambda: self.told(what) == numbers)


def wait_for(what: str, seen: Callable[[], object]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + SECONDS
    while not seen():
        assert time.monotonic() < until, f"waited {SECONDS} s for {what}"
        time.sleep(0.01)


def harness_opened(harness: WorkerHarness) -> Iterator[WorkerHarness]:
    """Yield a harness, and end what still runs in it."""
    yield harness
    for worker in harness.workers:
        worker.kill()
        worker.wait()

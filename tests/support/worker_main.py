"""A thread worker in a process of its own.

`python -m tests.support.worker_main REDIS NAME CONCURRENCY DRAIN_SECONDS`.
"""

import logging
import os
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

from bot import durations, logs
from bot.queue import open_queue, worker_connection
from jobs.engine import deadlines, threads
from jobs.engine.job_validation import ValidatedJob
from jobs.engine.threads import ThreadWorker

CHORES = b"tests.support.sample_jobs."


class SampleJob(ValidatedJob):
    """A job of the tests: a chore, however it is called, and what is ours."""

    @classmethod
    def fault(cls, job_id: str, record: Mapping[str, bytes]) -> str | None:
        """Let chores pass."""
        return None if CHORES in zlib.decompress(record["data"]) else super().fault(job_id, record)


def main() -> None:
    """Work until told to stop, with shorter waits than usual; leave the file ABANDONED when jobs are given up."""
    durations.WORKER_BEAT, deadlines.STOP_SECONDS, threads.ANSWER_SECONDS = 0.5, 1.0, 2
    url, name, concurrency, drain_seconds = sys.argv[1:5]
    logs.configure("json")
    redis = worker_connection(url, connections=int(concurrency) + 10)
    worker = ThreadWorker(
        [open_queue(redis)],
        connection=redis,
        name=name,
        job_class=SampleJob,
        concurrency=int(concurrency),
        drain_seconds=float(drain_seconds),
        on_abandon=lambda: Path(os.environ["ABANDONED"]).write_text("given back", encoding="utf-8"),
    )
    worker.work(logging_level="WARNING", burst="burst" in sys.argv)
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()

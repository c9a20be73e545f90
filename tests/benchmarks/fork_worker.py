"""RQ's own worker, which forks a process for each job, on our queue: python -m tests.benchmarks.fork_worker."""

import os
import socket
from uuid import uuid4

from redis import Redis
from rq import Queue, Worker

from bot.queue import NAME


def main() -> None:
    """Work until told to end."""
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        Worker([Queue(NAME, connection=redis)], connection=redis, name=name).work(logging_level="WARNING")


if __name__ == "__main__":
    main()

"""RQ's own worker, which forks a process for each job, on our queue: python -m tests.benchmarks.fork_worker."""

import os
import socket
from uuid import uuid4

from rq import Worker
from rq.serializers import JSONSerializer

from bot.ground import Kind
from bot.queue import open_queue, worker_connection
from bot.store import db
from bot.store.installation import marks


def main() -> None:
    """Work until told to end."""
    ground = marks.enter(db.connect(os.environ["DATABASE_URL"]), Kind.INSTALLATION)
    with worker_connection(os.environ["REDIS_URL"], ground, connections=10) as redis:
        name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        queues = [open_queue(redis, ground)]
        Worker(queues, connection=redis, name=name, serializer=JSONSerializer).work(logging_level="WARNING")


if __name__ == "__main__":
    main()

"""RQ with our thread worker, and with its own fork worker: python -m tests.benchmarks.peers.rq_peer threads | fork."""

import os
import sys
import time
from uuid import uuid4

from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from bot.queue import worker_connection
from jobs.engine.threads import ThreadWorker
from tests.benchmarks.peers import job

NAME = "peers"


def put(count: int, seconds: float, pace: float) -> None:
    """Queue jobs, at once or so many seconds apart."""
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        queue = Queue(NAME, connection=redis, serializer=JSONSerializer)
        for number in range(count):
            queue.enqueue_call(job.wait, args=(number, time.time(), seconds), timeout=180, result_ttl=0)
            time.sleep(pace)


def main(kind: str) -> None:
    """Work until told to end."""
    if kind == "fork":
        with Redis.from_url(os.environ["REDIS_URL"]) as redis:
            Worker([Queue(NAME, connection=redis)], connection=redis, serializer=JSONSerializer).work(
                logging_level="WARNING"
            )
        return
    redis = worker_connection(os.environ["REDIS_URL"], connections=job.CONCURRENCY + 10)
    ThreadWorker(
        [Queue(NAME, connection=redis, serializer=JSONSerializer)],
        connection=redis,
        job_class=Job,  # any, as RQ's own worker takes them
        name=uuid4().hex,
        concurrency=job.CONCURRENCY,
        drain_seconds=0.0,
    ).work(logging_level="WARNING")
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])

"""Celery with its pool of threads: celery -A tests.benchmarks.peers.celery_peer worker -P threads."""

import os
import time

from celery import Celery

from tests.benchmarks.peers import job

app = Celery("peers", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # a turn must not be lost with its worker: the safest setting is what is compared
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


wait = app.task(name="wait")(job.wait)


def put(count: int, seconds: float, pace: float) -> None:
    """Queue jobs, at once or so many seconds apart."""
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(count):
            wait.apply_async((number, time.time(), seconds), producer=producer)
            time.sleep(pace)

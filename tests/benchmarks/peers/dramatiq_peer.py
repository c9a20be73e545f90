"""Dramatiq with threads: dramatiq tests.benchmarks.peers.dramatiq_peer --processes 1 --threads 100."""

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.benchmarks.peers import job

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))
wait = dramatiq.actor(job.wait, max_retries=0)


def put(count: int, seconds: float, pace: float) -> None:
    """Queue jobs, at once or so many seconds apart."""
    for number in range(count):
        wait.send(number, time.time(), seconds)
        time.sleep(pace)

"""The worker process: RQ's own, one job at a time, with signs of life short enough to be missed soon.

A turn never relies on RQ to run it once or to notice a dead worker: leases in SQL do (`bot.store.turns`).
Run more of these processes for more turns at once.
"""

import sys
from uuid import uuid4

import structlog
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker

from bot.errors import ConfigError
from bot.queue import NAME, connection
from jobs import process

log = structlog.get_logger()

WORKER_SECONDS = 20
"RQ's time to live of a worker; it blocks on the queue a little shorter than this."
MAINTENANCE_SECONDS = 10


def main() -> int:
    """Work until told to stop; the job at hand is finished first."""
    try:
        house = process.current()
        for agent in house.agents:
            house.desk(agent)  # a wrong card or a missing key stops the process here, not a turn later
    except ConfigError as error:
        sys.stderr.write(f"deskhand worker: {error}\n")
        return 2
    redis = connection(house.settings.redis_url, socket_seconds=None)
    worker = SimpleWorker(
        [Queue(NAME, connection=redis)],
        connection=redis,
        name=f"{process.name()}:{uuid4().hex[:6]}",  # a process id may come back
        worker_ttl=WORKER_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
    )
    log.info("worker.started")
    try:
        worker.work(logging_level="WARNING")
    except RedisError as error:
        sys.stderr.write(f"deskhand worker: Redis is gone: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

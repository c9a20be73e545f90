"""SAQ, whose jobs are coroutines: saq tests.benchmarks.peers.saq_peer.settings."""

import asyncio
import os
import time
from typing import Any

from saq import Queue

from tests.benchmarks.peers import job

queue = Queue.from_url(os.environ["REDIS_URL"], name="peers")


async def wait(_context: Any, *, number: int, queued_at: float, seconds: float) -> None:
    """Run the job, waiting as a coroutine does."""
    job.begin(number, queued_at)
    if seconds:
        await asyncio.sleep(seconds)


settings = {"queue": queue, "functions": [wait], "concurrency": job.CONCURRENCY}


def put(count: int, seconds: float, pace: float) -> None:
    """Queue jobs, at once or so many seconds apart."""

    async def put_all() -> None:
        for number in range(count):
            await queue.enqueue("wait", number=number, queued_at=time.time(), seconds=seconds, timeout=180)
            await asyncio.sleep(pace)
        await queue.disconnect()

    asyncio.run(put_all())

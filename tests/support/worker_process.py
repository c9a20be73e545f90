"""A worker's process as its jobs find it: real Redis, real database, the local workspace for Slack."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from bot import directory
from bot.agent import card
from bot.agent.runtime import open_meter
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack.api.client import WebClient
from bot.slack.api.membership import Members
from bot.store.db import Database
from bot.store.installation import marks
from jobs import process
from jobs.leases import Leases
from jobs.process import WorkerContext
from tests.support.paths import MANIFEST
from tests.support.redis_servers import RedisServer
from tests.support.worker_harness import WorkerHarness, harness_opened


@pytest.fixture
def ctx(
    monkeypatch: pytest.MonkeyPatch, database: Database, redis_url: str, client: WebClient
) -> Iterator[WorkerContext]:
    """Return what `process.current()` gives to the jobs of this test."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "nobody-calls-a-model-here")
    settings = Settings(redis_url=redis_url, deskhand_config=MANIFEST.parent, deskhand_model="stand-in-1")
    ground = marks.enter(database, settings.deskhand_ground)
    made = WorkerContext(
        settings=settings,
        database=database,
        ground=ground,
        queue=JobQueue.connect(redis_url, ground),
        slack=client,
        members=Members(client, database),
        directory=directory.connect(database),
        agents=card.load_all(settings.deskhand_config),
        meter=open_meter(settings, database),
        runtimes={},
        leases=Leases(database, lease=settings.deskhand_turn_lease),
    )
    monkeypatch.setattr(process, "current", lambda: made)
    yield made
    made.queue.close()
    made.meter.close()


@pytest.fixture
def harness(redis_url: str, tmp_path: Path) -> Iterator[WorkerHarness]:
    """Return a harness on the Redis of the tests."""
    with Redis.from_url(redis_url) as client:
        yield from harness_opened(WorkerHarness(redis_url, client, tmp_path))


@pytest.fixture
def own_harness(
    redis_server: Callable[[int | None], RedisServer], tmp_path: Path
) -> Iterator[tuple[WorkerHarness, RedisServer]]:
    """A harness on a Redis that the test may kill."""
    server = redis_server(None)
    with Redis.from_url(server.url) as client:
        for harness in harness_opened(WorkerHarness(server.url, client, tmp_path)):
            yield harness, server

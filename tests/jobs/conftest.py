"""A worker's process as its jobs find it: real Redis, real database, the local workspace for Slack."""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from bot.agent import card
from bot.agent.desk import open_meter
from bot.queue import JobQueue
from bot.settings import Settings
from bot.store.db import Database
from jobs import process
from jobs.leases import Leases
from jobs.process import Process
from tests.bot.slack.conftest import MANIFEST, client, served_workspace, workspace

__all__ = ["client", "served_workspace", "workspace"]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, database: Database, redis_url: str, client: WebClient) -> Iterator[Process]:
    """Return what `process.current()` gives to the jobs of this test."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "nobody-calls-a-model-here")
    settings = Settings(redis_url=redis_url, deskhand_config=MANIFEST.parent, deskhand_model="stand-in-1")
    made = Process(
        settings=settings,
        database=database,
        queue=JobQueue.connect(redis_url),
        slack=client,
        agents=card.load_all(settings.deskhand_config),
        meter=open_meter(settings, database),
        desks={},
        leases=Leases(database, lease=settings.deskhand_turn_lease),
    )
    monkeypatch.setattr(process, "current", lambda: made)
    yield made
    made.queue.close()
    made.meter.close()

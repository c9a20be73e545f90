"""What `deskhand status` reads: `bot.health.status`."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from rq import SimpleWorker

from bot.health import status
from bot.queue import RUN_TURN, JobQueue, open_queue
from bot.settings import Settings
from bot.store.db import Database
from bot.store.installation import heartbeats
from tests.support.factories import new_turn, running, store
from tests.support.hanging_server import mute


@pytest.fixture
def settings(database: Database, redis_url: str) -> Iterator[Settings]:
    """Return the addresses of a house with one turn queued, one running, and one message to say."""
    turn = new_turn(database)
    running(database, turn, worker="host:1")
    store(database, "owed")
    with database.write() as session:
        heartbeats.give(session, "clock", who="host:2")
    with closing(JobQueue.connect(redis_url)) as queue, redis.Redis.from_url(redis_url) as connection:
        queue.put(RUN_TURN, turn)
        worker = SimpleWorker([open_queue(connection)], connection=connection, name="host:1:abc")
        worker.register_birth()  # type: ignore[no-untyped-call]  # rq leaves it untyped
        yield Settings(database_url=database.engine.url.render_as_string(hide_password=False), redis_url=redis_url)


def test_a_look_reads_redis_and_the_database(settings: Settings) -> None:
    """The queue with its workers, the clock, and what is owed, each from where it stands."""
    seen = status.look(settings)
    assert (seen.unavailable, seen.success_unknown) == ((), None)
    assert seen.success is not None
    assert seen.success.unsettled.unconfirmed == 1
    assert seen.queue is not None
    assert seen.unfinished is not None
    assert (seen.queue.waiting, seen.queue.started, seen.queue.failed) == (1, 0, 0)
    assert seen.queue.oldest is not None
    assert [(one.name, one.executions) for one in seen.queue.workers] == [("host:1:abc", 0)]
    assert (seen.unfinished.backlog.running.count, seen.unfinished.backlog.stored.count) == (1, 1)
    assert seen.unfinished.clock is not None
    assert seen.unfinished.clock[0] == "host:2"


def test_without_redis_the_database_is_still_read(settings: Settings) -> None:
    """And without the database the queue; each time it is said what is away."""
    seen = status.look(settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"}))
    assert seen.queue is None
    assert seen.unfinished is not None
    assert seen.unfinished.backlog.running.count == 1
    assert len(seen.unavailable) == 1
    assert seen.unavailable[0].startswith("redis: ")
    seen = status.look(settings.model_copy(update={"database_url": "postgresql://u:pass@127.0.0.1:9/d"}))
    assert seen.unfinished is None
    assert seen.queue is not None
    assert seen.queue.waiting == 1
    assert len(seen.unavailable) == 1
    assert seen.unavailable[0].startswith("database: ")
    assert (seen.success, seen.success_unknown) == (None, None)


def test_what_hangs_ends_in_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that never answers is said to be one."""
    monkeypatch.setattr(status, "SECONDS", 2.0)
    with mute() as port:
        seen = status.look(settings.model_copy(update={"database_url": f"postgresql://u:p@127.0.0.1:{port}/d"}))
    assert (seen.unfinished, seen.unavailable) == (None, ("database: no answer within 2 s",))
    assert seen.queue is not None


def test_what_counts_successes_too_slowly_is_no_outage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is shown in time, and it is said that this figure was not."""
    done = threading.Event()
    monkeypatch.setattr(status, "SECONDS", 3.0)
    monkeypatch.setattr(status, "read_success", lambda _: done.wait(60))
    seen = status.look(settings)
    done.set()
    assert (seen.success, seen.success_unknown) == (None, "success: no answer within 3 s")
    assert seen.unavailable == ()
    assert seen.unfinished is not None


def test_a_wrong_card_leaves_the_rest_of_a_status(settings: Settings, tmp_path: Path) -> None:
    """Without the cards no cost of people is known, so the figure is left out, and file and field are named."""
    seen = status.look(settings.model_copy(update={"deskhand_config": tmp_path}))
    assert seen.success is None
    assert str(seen.success_unknown).startswith(f"{tmp_path / 'agents'}: no agent")
    assert seen.unavailable == ()

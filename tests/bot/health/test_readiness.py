"""May requests be sent to a web process: `bot.health.readiness`."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from bot.health.findings import Finding
from bot.health.readiness import of_listener
from bot.queue import JobQueue
from bot.store import db
from bot.store.db import Database
from bot.store.installation import heartbeats
from bot.store.releases.verdicts import ReleasePair
from tests.support import kept_connections
from tests.support.hanging_server import mute
from tests.support.release_rows import SUITE, judged

RELEASE = "access@12345678"


@pytest.fixture
def queue(redis_url: str) -> Iterator[JobQueue]:
    """Return the queue on a real Redis."""
    with closing(JobQueue.connect(redis_url)) as made:
        yield made


def judge(database: Database, verdict: str, release: str = RELEASE) -> None:
    """Give a release its verdict."""
    with database.write() as session:
        judged(session, release, verdict=verdict)


def serving() -> dict[str, ReleasePair]:
    """Return what this process serves."""
    return {"access": ReleasePair(RELEASE, SUITE)}


def states(found: tuple[Finding, ...]) -> dict[str, str]:
    """Return how each check went."""
    return {one.check: one.state for one in found}


def test_a_sound_process_is_ready_and_has_committed_a_row(database: Database, queue: JobQueue) -> None:
    """It really writes: a row that others can read, and a key that ends by itself."""
    judge(database, "pass")
    assert states(of_listener(database, queue, serving).look()) == dict.fromkeys(("commit", "enqueue", "release"), "ok")
    with database.read() as session:
        assert heartbeats.last(session, "web") is not None
    client = queue.queue.connection
    [key] = client.keys("*proof*")
    assert 0 < client.pttl(key) <= 5_000


@pytest.mark.parametrize("verdict", [None, "block"])
def test_an_agent_that_may_not_serve_is_named(database: Database, queue: JobQueue, verdict: str | None) -> None:
    """A release that was never evaluated, or is blocked, says so; the rest is fine."""
    judge(database, "pass")
    if verdict is not None:
        judge(database, verdict, "vpn@87654321")
    found = of_listener(database, queue, lambda: {**serving(), "vpn": ReleasePair("vpn@87654321", SUITE)}).look()
    assert states(found) == {"commit": "ok", "enqueue": "ok", "release": "fail"}
    assert "vpn@87654321 has not passed" in found[2].message
    assert RELEASE not in found[2].message


def test_a_full_redis_is_not_ready(database: Database, queue: JobQueue) -> None:
    """It answers every question, and takes nothing that is queued."""
    judge(database, "pass")
    client = queue.queue.connection
    client.config_set("maxmemory", "1")
    try:
        assert client.ping()
        found = of_listener(database, queue, serving).look()
    finally:
        client.config_set("maxmemory", "0")
    assert states(found) == {"commit": "ok", "enqueue": "fail", "release": "ok"}
    assert "OOM" not in found[1].message


@pytest.mark.unpooled("the connections that it keeps do not hear of a setting of the database")
def test_a_database_that_takes_no_writes_is_not_ready(postgres: Database, queue: JobQueue) -> None:
    """A standby answers questions and commits nothing."""
    judge(postgres, "pass")
    name = postgres.engine.url.database
    with closing(db.connect(postgres.engine.url.render_as_string(hide_password=False))) as admin:
        with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        postgres.engine.dispose()
        kept_connections.close_those_to(str(name))
        try:
            found = of_listener(postgres, queue, serving).look()
        finally:
            with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("SET default_transaction_read_only = off")
                connection.exec_driver_sql(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            postgres.engine.dispose()
    kept_connections.close_those_to(str(name))
    assert states(found) == {"commit": "fail", "enqueue": "ok", "release": "ok"}


def test_what_hangs_is_missed_in_time() -> None:
    """A Redis and a PostgreSQL that take connections and never answer cost no more than the limit, each time."""
    with mute() as port:
        silent = db.connect(f"postgresql://u:p@127.0.0.1:{port}/d")
        with closing(JobQueue.connect(f"redis://127.0.0.1:{port}/0")) as queue:
            readiness = of_listener(silent, queue, serving)
            for _ in range(2):
                found = readiness.look()
                assert not readiness._checks._running["commit"].done()
                assert states(found) == dict.fromkeys(("commit", "enqueue", "release"), "fail")
    silent.close()


def test_a_pool_without_a_free_connection_is_not_ready(postgres: Database, queue: JobQueue) -> None:
    """While every connection is out, nothing can be committed; once one is back, it can."""
    judge(postgres, "pass")
    readiness = of_listener(postgres, queue, serving)
    taken = [postgres.engine.connect() for _ in range(postgres.engine.pool.size() + postgres.engine.pool._max_overflow)]  # type: ignore[attr-defined]  # a queue pool has both
    found = readiness.look()
    assert not readiness._checks._running["commit"].done()
    assert states(found) == {"commit": "fail", "enqueue": "ok", "release": "fail"}
    for connection in taken:
        connection.close()
    assert set(states(readiness.look()).values()) == {"ok"}


def test_words_for_everybody_hold_no_address(queue: JobQueue) -> None:
    """Anybody may ask; what went wrong, and where, is for the log."""
    with closing(db.connect("postgresql://dora:secret@127.0.0.1:9/d")) as away, capture_logs() as logged:
        found = of_listener(away, queue, serving).look()
    said = " ".join(one.message for one in found)
    assert states(found)["commit"] == "fail"
    assert not any(word in said for word in ("dora", "secret", "127.0.0.1", "refused"))
    assert "refused" in str(logged)

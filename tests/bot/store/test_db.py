"""The transactions and migrations of `bot.store.db`."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot import durations
from bot.errors import ConfigError, Transient
from bot.store import db, schema
from bot.store.installation import heartbeats, revisions
from bot.store.sql import postgres_engine, sqlite_engine

IN_PRODUCTION = postgres_engine.SILENT_SECONDS
"Once this file is imported, the tests' own processes are given longer: see `shortcuts`."


def test_what_is_about_sql_is_tested_on_both_databases(request: pytest.FixtureRequest, database: db.Database) -> None:
    """This test is parametrized with the database that it gets, as every test of this folder that asks for one."""
    named = {"sqlite": "sqlite", "postgresql": "postgres"}[database.engine.dialect.name]
    assert request.node.callspec.params == {"database_url": named}


def test_a_database_without_tables_is_not_one_of_an_old_schema() -> None:
    """Whoever starts a process too early reads what comes first."""
    with closing(db.connect("sqlite://")) as empty:
        assert db.pending(empty) == "it has no schema yet: run `deskhand migrate`"


def test_migrations_give_the_tables_that_the_code_knows(database: db.Database) -> None:
    """A migrated database differs from the models in nothing."""
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.Base.metadata)
    assert differences == []
    assert db.pending(database) is None


def test_the_second_revision_takes_what_the_first_one_kept(database: db.Database, database_url: str) -> None:
    """A handoff with its history, and the names of attachments, are there afterwards as the code reads them."""
    with database.engine.connect() as connection:
        command.downgrade(revisions._config(connection), "0001")
        connection.commit()
    at = datetime(2026, 1, 2, tzinfo=UTC)
    kept: dict[str, dict[str, object]] = {
        "tickets": {"id": 1, "team": "T", "channel": "C", "thread_ts": "1.0", "private": False, "requester": "U"}
        | {"agent": "access", "state": "open", "created_at": at},
        "handoffs": {"id": 1, "ticket_id": 1, "reason": "requested", "summary": "s", "context": "{}", "state": "open"}
        | {"queue_channel": "C", "lapses": 0, "rung": 0, "waiting_since": at, "opened_at": at, "first_word_at": at},
        "handoff_moves": {"handoff_id": 1, "move": "opened", "actor": "a", "detail": "{}", "at": at},
        "inbox_events": {"event_id": "E", "kind": "message", "team": "T", "channel": "C", "ts": "1.0", "user": "U"}
        | {"text": "t", "files": '["a.png"]', "detail": "{}", "state": "accepted", "received_at": at},
    }
    with database.engine.begin() as connection:
        for table, row in kept.items():
            columns = [
                sqlalchemy.column(name, schema.UtcDateTime() if value is at else None) for name, value in row.items()
            ]
            connection.execute(sqlalchemy.table(table, *columns).insert().values(row))
    revisions.migrate(database_url)
    with database.read() as session:
        handoff = session.get_one(schema.Handoff, 1)
        [event] = session.scalars(sqlalchemy.select(schema.InboxEvent)).all()
        [move] = session.scalars(sqlalchemy.select(schema.HandoffMove)).all()
    assert (handoff.sent, handoff.warned, handoff.openings) == (True, False, 1)
    assert (handoff.open_since, move.handoff_id) == (handoff.opened_at, 1)
    assert event.files == [{"name": "a.png", "link": None}]


def test_an_exception_undoes_the_whole_transaction(database: db.Database) -> None:
    """What a block wrote before it failed is gone."""

    def stop_half_way() -> None:
        with database.write() as session:
            session.add(schema.Release(fingerprint="x@1", agent="x", body={}))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        stop_half_way()
    with database.read() as session:
        assert session.scalars(sqlalchemy.select(schema.Release)).all() == []


def test_a_time_without_a_zone_is_refused(database: db.Database) -> None:
    """A naive time never reaches a table."""
    with pytest.raises(sqlalchemy.exc.StatementError, match="ValueError"), database.write() as session:
        session.add(schema.SignInRow(account_id="a", at=datetime(2026, 1, 1), ok=True))  # noqa: DTZ001 - the point


def test_another_kind_of_database_is_refused_by_name() -> None:
    """The message names the variable and what is supported."""
    with pytest.raises(ConfigError, match="DATABASE_URL names mysql"):
        db.connect("mysql://x/y")


def test_writers_of_one_process_wait_for_each_other_and_not_for_sqlite(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite lets those who wait ask again and again: fifty threads of one process would starve another one."""
    monkeypatch.setattr(sqlite_engine, "BUSY_SECONDS", 0)
    with closing(db.connect(sqlite_url)) as database:

        def write(number: int) -> None:
            with database.write() as session:
                heartbeats.give(session, "web", who=str(number))
                time.sleep(0.02)

        with ThreadPoolExecutor(8) as threads:
            assert len(list(threads.map(write, range(16)))) == 16


def test_a_writer_that_never_gets_its_turn_is_told(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is worth another try, like every trouble of a database; the next one writes again."""
    monkeypatch.setattr(sqlite_engine, "TURN_SECONDS", 0.05)
    with closing(db.connect(sqlite_url)) as database:

        def write() -> None:
            with database.write() as session:
                heartbeats.give(session, "web", who="w")

        with database.write() as session, ThreadPoolExecutor(1) as thread:
            heartbeats.give(session, "clock", who="c")
            with pytest.raises(Transient, match="waited too long for other writers"):
                thread.submit(write).result()
        write()


@pytest.mark.unpooled("it refuses the options of an address")
def test_what_the_address_asks_for_stands(postgres: db.Database) -> None:
    """A schema of its own, or more patience: ours is put beside it, not over it."""
    address = postgres.engine.url.update_query_dict({"options": "-c search_path=desk", "connect_timeout": "7"})
    with closing(db.connect(address.render_as_string(hide_password=False))) as database, database.read() as session:
        assert session.scalar(sqlalchemy.text("SHOW search_path")) == "desk"
        limit = session.scalar(sqlalchemy.text("SHOW idle_in_transaction_session_timeout"))
    assert limit == f"{postgres_engine.SILENT_SECONDS}s"


def test_long_work_may_pause(postgres: db.Database) -> None:
    """A migration computes for longer between two statements than PostgreSQL waits for a client that may be cut off."""
    with postgres.write() as session:
        db.work_without_hurry(session.connection())
        assert session.scalar(sqlalchemy.text("SHOW idle_in_transaction_session_timeout")) == "0"
    with postgres.read() as session:
        assert session.scalar(sqlalchemy.text("SHOW idle_in_transaction_session_timeout")) != "0"


def test_a_peer_that_is_cut_off_is_noticed(postgres: db.Database) -> None:
    """PostgreSQL ends a transaction whose client is silent in seconds, and with it the locks that it holds."""
    with postgres.read() as session:
        asked = session.scalar(sqlalchemy.text("SHOW idle_in_transaction_session_timeout"))
    assert asked == f"{postgres_engine.SILENT_SECONDS}s"
    assert IN_PRODUCTION == durations.CUT_OFF

    def falls_silent() -> None:
        with postgres.write() as session:
            session.execute(sqlalchemy.text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
            time.sleep(0.2)
            session.execute(sqlalchemy.text("SELECT 1"))

    with pytest.raises(Transient):
        falls_silent()

"""Pooled connections to PostgreSQL and reads outside transactions: `postgres_engine`, and `look` of `bot.store.db`."""

from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text

from bot.store.db import Database, Session
from bot.store.sql import postgres_engine
from bot.store.sql.postgres_engine import ASK_AFTER_SECONDS


def _backend(session: Session) -> int:
    return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _status(session: Session) -> TransactionStatus:
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.info.transaction_status


@pytest.mark.unpooled("the process that serves a connection is another each time")
def test_a_connection_that_the_server_has_ended_is_replaced_at_once(postgres: Database, postgres_url: str) -> None:
    """It is noticed right after it was used, without a question and without an error."""
    with postgres.read() as session:
        ended = _backend(session)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
    with postgres.write() as session:
        assert _backend(session) != ended


@pytest.mark.unpooled("the process that serves a connection is another each time")
def test_a_connection_that_has_idled_is_asked_whether_it_stands(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was in use a moment ago is not, and the answer to the question leaves no transaction open."""
    asked: list[int] = []
    ping = postgres.engine.dialect.do_ping

    def counted(connection: Any) -> bool:
        asked.append(connection.info.backend_pid)
        return ping(connection)

    monkeypatch.setattr(postgres.engine.dialect, "do_ping", counted)
    with postgres.look() as session:
        first = _backend(session)
    with postgres.look() as session:
        assert (_backend(session), asked) == (first, [])
    monkeypatch.setattr(postgres_engine, "ASK_AFTER_SECONDS", -ASK_AFTER_SECONDS)
    with postgres.look() as session:
        assert (_backend(session), asked) == (first, [first])
        assert _status(session) is TransactionStatus.IDLE


def test_a_look_begins_no_transaction(postgres: Database) -> None:
    """Its connection is idle between two statements; that of a read is not, nor that of a write after a look."""
    with postgres.look() as session:
        _backend(session)
        assert _status(session) is TransactionStatus.IDLE
    for opened in (postgres.read, postgres.write):
        with opened() as session:
            _backend(session)
            assert _status(session) is TransactionStatus.INTRANS


def test_looks_of_a_block_share_one_session(database: Database) -> None:
    """Within the block all reads of the thread have one session, and after it each has its own again."""
    with database.look_together():
        with database.look() as first, database.read() as second:
            assert first is second
        with database.look_together(), database.look() as third:
            assert third is first
    with database.look() as apart:
        assert apart is not first


def test_a_write_in_a_block_of_looks_is_a_transaction_of_its_own(postgres: Database) -> None:
    """Nothing that is written joins the block."""
    with postgres.look_together(), postgres.look() as looking, postgres.write() as writing:
        assert writing is not looking
        _backend(writing)
        assert _status(writing) is TransactionStatus.INTRANS

"""When transactions of SQLite begin, and what their errors say: `bot.store.sql.sqlite_engine`."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError

from bot.errors import Transient
from bot.store import db
from bot.store.installation import heartbeats
from bot.store.schema import Heartbeat, SignInRow, now
from bot.store.sql import sqlite_engine


def test_a_transaction_that_reads_sees_one_moment(sqlite_url: str) -> None:
    """What another connection commits meanwhile is seen only by the next transaction."""
    with closing(db.connect(sqlite_url)) as database, closing(db.connect(sqlite_url)) as other:
        count = select(func.count()).select_from(Heartbeat)
        with database.read() as session:
            before = session.scalar(count)
            with other.write() as writing:
                heartbeats.give(writing, "web", who="w")
            assert session.scalar(count) == before
        with database.read() as session:
            assert session.scalar(count) == (before or 0) + 1


def test_a_transaction_that_writes_takes_the_lock_at_its_start(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two processes the second waits before it has read anything, so that it never decides on what is old."""
    monkeypatch.setattr(sqlite_engine, "BUSY_SECONDS", 0)
    with closing(db.connect(sqlite_url)) as database, closing(db.connect(sqlite_url)) as other:
        with database.write() as session:
            session.scalar(select(1))
            with pytest.raises(Transient, match="locked"), other.write() as second:
                second.scalar(select(1))
        with other.write() as second:
            assert second.scalar(select(1)) == 1


def test_the_lock_is_asked_for_again_after_each_pause(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction begins with the first try after the lock is free; other waiting is left to SQLite, as before."""
    with closing(db.connect(sqlite_url)) as database, closing(db.connect(sqlite_url)) as other, ExitStack() as first:
        first.enter_context(database.write()).scalar(select(1))
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                first.close()

        monkeypatch.setattr(time, "sleep", sleep)
        with other.write() as session:
            assert session.scalar(text("PRAGMA busy_timeout")) == sqlite_engine.BUSY_SECONDS * 1000
    assert pauses == [sqlite_engine.PAUSE_SECONDS] * 3


def test_errors_of_both_kinds_of_transaction_have_no_values(sqlite_url: str) -> None:
    """Neither the text of an error nor its parameters hold what was to be stored."""
    with closing(db.connect(sqlite_url)) as database:

        def break_in(open_: Callable[[], AbstractContextManager[db.Session]]) -> None:
            with open_() as session:
                session.add(SignInRow(account_id="secret-id", at=now(), ok=True, why="secret why"))
                session.flush()

        for open_ in (database.read, database.write):
            with pytest.raises(IntegrityError) as found:
                break_in(open_)
            assert found.value.params is None
            assert "secret" not in f"{found.value} {found.value.__cause__}"


def test_who_listens_hears_both_kinds_of_transaction(sqlite_url: str) -> None:
    """A listener of the engine sees the statements of those that read and of those that write."""
    with closing(db.connect(sqlite_url)) as database:
        heard: list[str] = []
        event.listen(database.engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
        with database.read() as session:
            session.scalar(select(1))
        with database.write() as session:
            session.scalar(select(1))
    assert len(heard) == 2

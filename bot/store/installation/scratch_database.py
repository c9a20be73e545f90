"""A database in memory for one evaluation case: empty at first, gone when the case is over.

Connections are reused for the next case, with the statements that SQLAlchemy and SQLite have compiled, but never with
their data: the image of an empty database is put into them, which is thirty times quicker than creating the tables.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from queue import Empty, LifoQueue
from threading import Lock
from typing import Any, cast

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool
from sqlalchemy.util import LRUCache

from bot.store.db import Database
from bot.store.errors_without_values import without_values
from bot.store.schema import Base
from bot.store.sql import audit_guard
from bot.store.sql.sqlite_engine import READER

STATEMENTS = 1000
"How many compiled statements are kept, by SQLAlchemy for the whole process and by SQLite for each connection."

_idle: LifoQueue[Database] = LifoQueue()
_making = Lock()
"Held while a database is made, as all are made after one."


@contextmanager
def database() -> Iterator[Database]:
    """Open an empty private database with every table, for one thread."""
    with _making:
        image = _image()
        try:
            private = _idle.get_nowait()
        except Empty:
            private = _another()
    driver = _driver(private)
    driver.deserialize(image)
    try:
        yield private
        driver.deserialize(image)
    except BaseException:
        private.close()  # whatever the case has left open; a closed connection drops its database
        raise
    finally:
        _idle.put(private)


def everything(private: Database) -> str:
    """Return all that a scratch database holds as text, to search it for what should not have been stored."""
    return "\n".join(_driver(private).iterdump())


@cache
def _model() -> Engine:
    """Return the engine that all others are made after."""
    # Without a level of isolation the driver begins no transaction by itself.
    how = {"check_same_thread": False, "isolation_level": None, "cached_statements": STATEMENTS}
    engine = without_values(create_engine(f"sqlite+{READER}://", poolclass=StaticPool, connect_args=how))

    @event.listens_for(engine, "connect")
    def _settle(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.cursor().execute("PRAGMA foreign_keys=ON")
        audit_guard.install(cast("sqlite3.Connection", connection))

    return engine


@cache
def _image() -> bytes:
    """Return a database with every table and no row, as SQLite would write it to a file."""
    driver = _driver(Database(_model(), _model()))
    with audit_guard.lifted(driver):
        Base.metadata.create_all(_model())
    return driver.serialize()


@cache
def _compiled() -> LRUCache[Any, Any]:
    return LRUCache(STATEMENTS)


def _another() -> Database:
    """Return one more database; a compiled statement is found by its dialect, so all have the same one."""
    model = _model()
    options = {"compiled_cache": _compiled()}
    engine = Engine(model.pool.recreate(), model.dialect, model.url, hide_parameters=True, execution_options=options)
    return Database(engine, engine)  # one thread has it, so no other writer is kept out


def _driver(private: Database) -> sqlite3.Connection:
    """Return the one SQLite connection of a scratch database."""
    raw = private.engine.raw_connection()
    try:
        if not isinstance(raw.driver_connection, sqlite3.Connection):
            raise TypeError("the private database is closed")
        return raw.driver_connection
    finally:
        raw.close()  # returns it to the pool; it stays open

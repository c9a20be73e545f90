"""A database in memory for one evaluation case: empty at first, gone when the case is over.

Engines are reused for the next case with their compiled statements, but never with their data. The tables are created
once and copied, which is fifty times quicker than creating them for every case.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from queue import Empty, LifoQueue
from threading import Lock

from bot.store import db
from bot.store.db import Database
from bot.store.schema import Base

_idle: LifoQueue[Database] = LifoQueue()
_copying = Lock()
"Guards the one database that all others are copied from."


@contextmanager
def database() -> Iterator[Database]:
    """Open an empty private database with every table, for one thread."""
    try:
        private = _idle.get_nowait()
    except Empty:
        private = db.connect("sqlite://")
    try:
        with _copying:
            _driver(_empty()).backup(_driver(private))
        yield private
    finally:
        private.close()  # closes the one connection, which drops the database
        _idle.put(private)


def everything(private: Database) -> str:
    """Return all that a scratch database holds as text, to search it for what should not have been stored."""
    return "\n".join(_driver(private).iterdump())


@cache
def _empty() -> Database:
    """Return the database with every table that all others are copied from."""
    made = db.connect("sqlite://")
    Base.metadata.create_all(made.engine)
    return made


def _driver(private: Database) -> sqlite3.Connection:
    """Return the one SQLite connection of a scratch database."""
    raw = private.engine.raw_connection()
    try:
        if not isinstance(raw.driver_connection, sqlite3.Connection):
            raise TypeError("the private database is closed")
        return raw.driver_connection
    finally:
        raw.close()  # returns it to the pool; it stays open

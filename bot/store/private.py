"""A database of one evaluation case's own: in memory, empty, gone when the case is over.

Engines are kept for the next case, with the statements that they have compiled; never their data.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue

from bot.store import db
from bot.store.db import Database
from bot.store.schema import Base

_idle: LifoQueue[Database] = LifoQueue()


@contextmanager
def database() -> Iterator[Database]:
    """Open an empty private database with every table, for one thread."""
    try:
        private = _idle.get_nowait()
    except Empty:
        private = db.connect("sqlite://")
    try:
        Base.metadata.create_all(private.engine)
        yield private
    finally:
        private.close()  # closes the one connection, and with it goes the database
        _idle.put(private)


def everything(private: Database) -> str:
    """Return all that a private database holds as text, to look for what should not have been kept."""
    raw = private.engine.raw_connection()
    try:
        driver = raw.driver_connection
        if driver is None:
            raise RuntimeError("the private database is closed")
        return "\n".join(driver.iterdump())
    finally:
        raw.close()

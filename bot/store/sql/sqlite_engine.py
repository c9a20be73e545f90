"""SQLite as an engine: transactions begin in its dialect, and one thread of a process writes at a time.

SQLAlchemy looks for listeners before and after every statement of an engine that has one for the beginning of a
transaction, which takes a quarter of the statement's time. A dialect is only asked when a transaction begins.
"""

import sqlite3
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, ClassVar, cast

import sqlalchemy
from sqlalchemy import URL, Engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection, StaticPool

from bot.errors import Transient
from bot.store.sql import audit_guard

WRITE = "BEGIN IMMEDIATE"
BUSY_SECONDS = 10
"How long SQLite's lock is waited for while another process has it."
PAUSE_SECONDS = 0.001
"Between two tries for the lock: SQLite itself sleeps longer each time, up to 0.1 s, while a transaction takes 2 ms."
TURN_SECONDS = 30
"Seconds that a transaction waits for the writer's place."
STATEMENTS = 256
"How many compiled statements a connection keeps: more than a turn has, so that none is compiled again."
_KIND = 0xFF
"The bits of SQLite's more precise error codes that say of which kind an error is."
READER, WRITER = "reader", "writer"
"The drivers of the two dialects, as in `sqlite+reader://`."
_WRITES = "writes"
"The key in a connection's info that says that it has the writer's place."


class ReaderDialect(SQLiteDialect_pysqlite):
    """SQLite whose transactions begin here; the driver itself would begin one only before the first changed row."""

    driver = READER
    supports_statement_cache = True
    begin: ClassVar[str] = "BEGIN"

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Begin a transaction."""
        dbapi_connection.cursor().execute(self.begin)


class WriterDialect(ReaderDialect):
    """The same for transactions that write: they take SQLite's lock at their start."""

    driver = WRITER
    supports_statement_cache = True
    begin = WRITE
    place: BoundedSemaphore | None = None
    "Held by the thread that writes; None: the database is one thread's own."

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Wait for the writer's place, and begin a transaction once no other process writes.

        Raises:
            Transient: other threads of this process have written for too long.
        """
        if self.place is not None and _WRITES not in dbapi_connection.info:
            if not self.place.acquire(timeout=TURN_SECONDS):
                raise Transient("database: waited too long for other writers")
            dbapi_connection.info[_WRITES] = True
        cursor, until = dbapi_connection.cursor(), time.monotonic() + BUSY_SECONDS
        cursor.execute("PRAGMA busy_timeout=0")
        try:
            while not _begins(cursor, last=time.monotonic() >= until):
                time.sleep(PAUSE_SECONDS)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _begins(cursor: Any, *, last: bool) -> bool:
    """Try to begin a transaction that writes; return False, or raise the last time, while another process writes."""
    try:
        cursor.execute(WRITE)
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode & _KIND != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


registry.register(f"sqlite.{READER}", __name__, ReaderDialect.__name__)
registry.register(f"sqlite.{WRITER}", __name__, WriterDialect.__name__)


def open_engines(address: URL, *, in_memory: bool, settle: Callable[[Engine], Engine]) -> tuple[Engine, Engine]:
    """Return the engine of an SQLite database, and the same for transactions that write; both have one pool.

    Args:
        address: of the database.
        in_memory: it is no file, and one thread's own.
        settle: what is done to each engine first, as each has its own dialect.
    """
    connects = {"timeout": BUSY_SECONDS, "cached_statements": STATEMENTS}
    if in_memory:
        alone = {**connects, "check_same_thread": False}
        engine = settle(_engine(address, READER, poolclass=StaticPool, connect_args=alone))
    else:
        engine = settle(_engine(address, READER, connect_args=connects))
    writing = engine.execution_options(sqlite_begin=WRITE)
    writing.dialect = settle(_engine(address, WRITER, pool=engine.pool)).dialect
    if not in_memory and isinstance(writing.dialect, WriterDialect):
        writing.dialect.place = _one_writer(engine.pool)

    @event.listens_for(engine, "connect")
    def _settle(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the dialect begins transactions, not the driver
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        audit_guard.install(cast("sqlite3.Connection", connection))

    return engine, writing


def compact(engine: Engine) -> bool:
    """Rebuild the file of a database, so that no erased byte is left in it or in its log.

    Returns:
        Whether the log is empty too; somebody who reads for long holds it.
    """
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        with audit_guard.lifted(cast("sqlite3.Connection", connection.driver_connection)):  # it copies every table
            cursor.execute("VACUUM")
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        connection.close()


def _engine(address: URL, driver: str, **options: object) -> Engine:
    address = address.set(drivername=f"sqlite+{driver}")
    return sqlalchemy.create_engine(address, hide_parameters=True, **options)


def _one_writer(pool: Pool) -> BoundedSemaphore:
    """Return the writer's place of this process; a connection that goes back to the pool gives it up.

    Waiting for SQLite's lock is polling: if fifty threads polled, another process would hardly ever get the lock.
    """
    place = BoundedSemaphore()

    @event.listens_for(pool, "checkin")
    def _next(_connection: object, entry: ConnectionPoolEntry) -> None:
        if entry.info.pop(_WRITES, False):
            place.release()

    return place

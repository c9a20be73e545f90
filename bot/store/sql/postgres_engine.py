"""PostgreSQL as an engine: a pooled connection is looked at before it is used again, and asked only after it has idled.

Asking every time (`pool_pre_ping`) is one more round trip for each transaction. Whether the server has ended a
connection can be seen without one: its socket then has something to read. A network that is silently cut is noticed by
asking, or by the statement that gets no answer.

A statement that a connection has used often is prepared on the server, which then neither parses nor plans it: most of
its cost there. Only a connection that is certain to have the server to itself does so (docs/decisions/0020).

A pooler may drop or refuse the settings with which a connection is opened. Then each transaction begins by asking for
the one that frees its locks.
"""

import os
import select
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Engine, ExceptionContext, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from bot import durations

POOL = 10
POOL_SECONDS = 30
"Seconds that a transaction waits for a connection."
ASK_AFTER_SECONDS = 1.0
"A connection that has not been used for so long is asked whether the server is still there."
PREPARE_AFTER = 5
"Uses of a statement on one connection after which it is prepared; psycopg keeps the hundred used last."
OUTDATED = "RevalidateCachedQuery"
"The function of PostgreSQL that refuses a prepared statement once a column that it reads has another type."
LIMIT = "idle_in_transaction_session_timeout"
"The setting with which the server ends a transaction whose client is silent."
SILENT_SECONDS = durations.CUT_OFF
"For how long it may be."
REFUSED = "unsupported startup parameter"
"What a pooler says that knows no `options`."
LIMITING = "limiting"
"The driver of the dialect, as in `postgresql+limiting://`."
_USED = "used"
"The key in a connection's info that holds when it was last used, on the monotonic clock."
_UNLIMITED = "unlimited"
"The key in a connection's info that says that a pooler has dropped our settings."


class LimitingDialect(PGDialect_psycopg):
    """PostgreSQL whose transactions ask for `LIMIT` where their connection could not."""

    driver = LIMITING
    supports_statement_cache = True

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Begin a transaction; a statement outside one holds no locks and needs no limit."""
        driver: Any = dbapi_connection.driver_connection
        if dbapi_connection.info.get(_UNLIMITED) and not driver.autocommit:
            driver.execute(f"SET LOCAL {LIMIT} = '{SILENT_SECONDS}s'")


registry.register(f"postgresql.{LIMITING}", __name__, LimitingDialect.__name__)


def open_engine(address: URL, connect_args: Mapping[str, object]) -> Engine:
    """Return the engine of a PostgreSQL database.

    Args:
        address: of the database.
        connect_args: what each connection is opened with; without its `options` where a pooler refuses them, unless
            the address has some of its own.
    """
    engine = sqlalchemy.create_engine(
        address.set(drivername=f"postgresql+{LIMITING}"),
        pool_size=POOL,
        max_overflow=POOL,
        pool_use_lifo=True,
        pool_timeout=POOL_SECONDS,
        connect_args=dict(connect_args),
        hide_parameters=True,
    )
    engine.url = address  # the driver's name is ours alone: nobody else could read the address with it

    asked = str(address.query.get("options", ""))
    if not asked:
        event.listen(engine, "do_connect", _connect)
    if LIMIT not in asked:
        event.listen(engine, "connect", _note_limit)
    event.listen(engine, "connect", _let_prepare)
    event.listen(engine, "handle_error", _give_up_outdated)

    @event.listens_for(engine, "checkin")
    def _note(_connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_USED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _look(connection: Any, entry: ConnectionPoolEntry, _proxied: PoolProxiedConnection) -> None:
        used = entry.info.get(_USED)
        if used is None:  # it was opened just now
            return
        if _was_ended(connection) or (time.monotonic() - used > ASK_AFTER_SECONDS and not _answers(engine, connection)):
            raise InvalidatePoolError

    return engine


def _connect(dialect: Any, _entry: object, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Open a connection with our options, or without them where they are refused."""
    try:
        return dialect.connect(*given, **named)
    except dialect.loaded_dbapi.OperationalError as error:
        if REFUSED in str(error):
            return dialect.connect(*given, **{name: value for name, value in named.items() if name != "options"})
        raise


def _note_limit(connection: Any, entry: ConnectionPoolEntry) -> None:
    """Ask the server whether it has the limit that we asked for, or one of the role."""
    [limit] = connection.execute(f"SHOW {LIMIT}").fetchone()
    connection.rollback()
    entry.info[_UNLIMITED] = limit == "0"


def _let_prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Let a connection prepare its statements if no pooler can be between it and the server."""
    [backend, port] = connection.execute("SELECT pg_backend_pid(), inet_client_port()").fetchone()
    connection.rollback()
    if backend == connection.info.backend_pid and port == _port(connection):
        connection.prepare_threshold = PREPARE_AFTER


def _give_up_outdated(context: ExceptionContext) -> None:
    """Give up the connections whose prepared statements a migration has outdated: they would fail at each use."""
    error: Any = context.original_exception
    if getattr(error, "diag", None) is not None and error.diag.source_function == OUTDATED:
        context.is_disconnect = True


def _port(connection: Any) -> int | None:
    """Return the port of our end of a connection; None: it is a socket of this machine, which has none."""
    with socket.socket(fileno=os.dup(connection.fileno())) as ours:
        name = ours.getsockname()
    return name[1] if isinstance(name, tuple) else None


def _was_ended(connection: Any) -> bool:
    """Return whether the server has ended an idle connection, or has told it why it will."""
    if connection.closed:
        return True
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    return bool(looking.poll(0))


def _answers(engine: Engine, connection: Any) -> bool:
    """Return whether the server answers on a connection."""
    try:
        return engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        if engine.dialect.is_disconnect(error, connection, None):
            return False
        raise

"""Connections to the tests' PostgreSQL that outlive the engine, and the test, which opened them.

A new server process of PostgreSQL costs 25 ms of CPU before it has read its catalogs: more than most tests do with it.
A closed connection to a test's database is kept as it was on its first day, and given to who connects next.
"""

import os
import select
from collections import defaultdict
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, _log_notices
from sqlalchemy.engine.default import DefaultDialect

Connection = psycopg.Connection[Any]

_DATABASES: set[str] = set()
"Names of those whose connections are kept; a test's other databases, servers and poolers are left alone."
_KEPT: defaultdict[str, list[Connection]] = defaultdict(list)
"By all that a connection is opened with. Threads put and take in one step each."
_OWNER: list[int] = []
"The process that keeps connections; one that is forked of it has connections of its own."


def keep(database: str) -> None:
    """Keep the connections to a database from now on."""
    _DATABASES.add(database)
    _OWNER[:] = [os.getpid()]


def kept_processes(database: str) -> list[int]:
    """Return the numbers of the server's processes for the connections to a database that nobody uses now."""
    idle = [one for connections in _KEPT.values() for one in list(connections) if one.info.dbname == database]
    return [one.info.backend_pid for one in idle]


def is_alive(connection: Connection) -> bool:
    """Return whether the server has neither ended an idle connection nor told it anything."""
    if connection.closed:
        return False
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    return not looking.poll(0)


def close_those_to(database: str) -> None:
    """Close the kept connections to a database, so that who connects next sees what was set for new ones."""
    for connections in _KEPT.values():
        for one in [one for one in list(connections) if one.info.dbname == database]:
            connections.remove(one)
            one.close()


def close_kept() -> None:
    """Close all connections that are kept, and keep no more."""
    _DATABASES.clear()
    for connections in _KEPT.values():
        while connections:
            connections.pop().close()


def connect(dialect: PGDialect_psycopg, *given: Any, **named: Any) -> Any:
    """Return a connection that was kept, or open one: what SQLAlchemy's dialect does."""
    kept = _KEPT[_way(given, named)] if [os.getpid()] == _OWNER else []
    while kept:
        with suppress(IndexError):  # another thread has just taken the last one
            connection = kept.pop()
            if is_alive(connection):
                return connection
            connection.close()
    opened: Any = DefaultDialect.connect(dialect, *given, **named)
    opened.opened_with = _way(given, named)
    return opened


def close(_dialect: PGDialect_psycopg, connection: Any) -> None:
    """Keep a connection that is as good as new, or close it: what SQLAlchemy's dialect does."""
    if [os.getpid()] == _OWNER and connection.info.dbname in _DATABASES and _as_new(connection):
        _KEPT[connection.opened_with].append(connection)
    else:
        connection.close()


def _way(given: tuple[Any, ...], named: dict[str, Any]) -> str:
    """Return all that a connection is opened with, but for the adapters, which every engine makes alike."""
    return repr((given, sorted((name, value) for name, value in named.items() if name != "context")))


def _as_new(connection: Connection) -> bool:
    """Take everything back that was set in a connection's session; return whether that was possible."""
    if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    with suppress(ValueError):
        connection.remove_notice_handler(_log_notices)
    try:
        connection.autocommit = True
        connection.execute("DISCARD ALL", prepare=False)
        connection.autocommit = False
    except psycopg.Error:
        return False
    return True

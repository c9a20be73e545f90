"""Keeps the audit log of an SQLite database: its connections chain each record, and refuse every change of one.

A connection of the product has the function that the trigger chains with, and asks this module before it compiles a
statement. So no statement of ours, however it came about, changes a record or takes a trigger away. Whoever has the
file can do both with another program: that is found by `deskhand audit verify`, and by a signed checkpoint.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from bot.audit_chain import canonical

AUDIT = frozenset({"audit", "audit_chain", "audit_head", "audit_people"})
CHAINING = "audit_chained"
"The trigger that adds to the chain."
_OF_ROWS = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_OF_TABLES = {sqlite3.SQLITE_DROP_TABLE: 0, sqlite3.SQLITE_ALTER_TABLE: 1, sqlite3.SQLITE_DROP_INDEX: 1}
"Where the table's name is among the two that SQLite gives."
_OF_TRIGGERS = frozenset(
    {
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_TEMP_TRIGGER,
    }
)


def install(connection: sqlite3.Connection) -> None:
    """Let a connection chain audit records, and refuse to change any."""
    connection.create_function("audit_hash", 3, canonical.hash_of, deterministic=True)
    connection.set_authorizer(_authorize)


@contextmanager
def lifted(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a connection change the audit tables: for migrations, seals, and to forget a person. The triggers stay."""
    connection.set_authorizer(None)
    try:
        yield
    finally:
        connection.set_authorizer(_authorize)


def _authorize(act: int, first: str | None, second: str | None, _database: str | None, source: str | None) -> int:
    """Return whether SQLite may compile an act; `source` is the trigger that it is a part of."""
    refused = (
        (act in _OF_ROWS and first in AUDIT and not _adds(act, str(first), source))
        or (act in _OF_TABLES and (first, second)[_OF_TABLES[act]] in AUDIT)
        or (act in _OF_TRIGGERS and (second in AUDIT or first == CHAINING))
        or (act == sqlite3.SQLITE_PRAGMA and str(first).lower() == "writable_schema")
    )
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


def _adds(act: int, table: str, source: str | None) -> bool:
    """Return whether an act adds a record or a person, or is a part of chaining one."""
    if table in {"audit", "audit_people"}:
        return act == sqlite3.SQLITE_INSERT
    chains = {"audit_chain": sqlite3.SQLITE_INSERT, "audit_head": sqlite3.SQLITE_UPDATE}
    return source == CHAINING and act == chains[table]

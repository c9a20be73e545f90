"""Runs the statements that every turn runs often; each is built once, when its module is imported.

Building a statement and having the ORM prepare it cost several times what the database needs for it, so these go to the
session's own connection. What is pending in the session is flushed first, as before any other statement. Their rows are
plain values; an object of a changed row that the session already holds keeps its old values.

The parameters of an UPDATE or INSERT that are named like a column set it; others fill a `bindparam` of that name.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Connection, CursorResult, Executable, bindparam, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.selectable import TypedReturnsRows

Columns = TypeVarTuple("Columns")
_CONNECTION = "connection"
"The key in a session's info under which its connection is kept."


def rows(session: Session, statement: TypedReturnsRows[*Columns], **parameters: object) -> CursorResult[*Columns]:
    """Run a statement and return its rows."""
    session.flush()
    return _connection(session).execute(statement, parameters)


def run(session: Session, statement: Executable, **parameters: object) -> None:
    """Run a statement that returns no rows."""
    session.flush()
    _connection(session).execute(statement, parameters)


def insert_new_rows(session: Session, table: type[DeclarativeBase], values: Sequence[Mapping[str, object]]) -> None:
    """Insert, in one round trip, those rows for which none with the same unique values exists."""
    if values:
        session.flush()
        _connection(session).execute(_insertions(session.get_bind().dialect.name, table), values)


def _connection(session: Session) -> Connection:
    """Return the connection of a session's transaction; to look for it takes as long as a short statement."""
    connection = session.info.get(_CONNECTION)
    if connection is None or connection.closed:
        connection = session.info[_CONNECTION] = session.connection()
    found: Connection = connection
    return found


@cache
def insertion(dialect: str, table: type[DeclarativeBase]) -> ReturningInsert[Any]:
    """Return the statement that inserts a row unless one with the same unique values exists, and returns its id."""
    [key] = inspect(table).primary_key
    return _insert(dialect, table).on_conflict_do_nothing().returning(key)


@cache
def insertion_if(
    dialect: str, table: type[DeclarativeBase], names: tuple[str, ...], only_if: ColumnElement[bool]
) -> ReturningInsert[Any]:
    """Return the same statement, which inserts a row only if a condition holds; both may use the same parameters.

    Args:
        dialect: name of the database's dialect.
        table: the table.
        names: columns that are given.
        only_if: the condition.
    """
    mapper = inspect(table)
    row = select(*(bindparam(name, type_=mapper.columns[name].type) for name in names)).where(only_if)
    [key] = mapper.primary_key
    return _insert(dialect, table).from_select(names, row).on_conflict_do_nothing().returning(key)


@cache
def upsertion(
    dialect: str, table: type[DeclarativeBase], unique: tuple[str, ...], names: tuple[str, ...]
) -> ReturningInsert[Any]:
    """Return the statement that inserts a row, or updates the one with the same unique values and locks it.

    Args:
        dialect: name of the database's dialect.
        table: the table.
        unique: columns with a unique constraint.
        names: columns that are updated.
    """
    return upsertion_if(dialect, table, unique, names, None)


def upsertion_if(
    dialect: str,
    table: type[DeclarativeBase],
    unique: tuple[str, ...],
    names: tuple[str, ...],
    only_if: ColumnElement[bool] | None,
) -> ReturningInsert[Any]:
    """Return the same statement, which updates only a row for which a condition holds, and then returns its id."""
    insert = _insert(dialect, table)
    new = {name: insert.excluded[name] for name in names}
    written = insert.on_conflict_do_update(index_elements=unique, set_=new, where=only_if)
    return written.returning(inspect(table).primary_key[0])


@cache
def _insertions(dialect: str, table: type[DeclarativeBase]) -> Executable:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: type[DeclarativeBase]) -> postgresql.Insert | sqlite.Insert:
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)

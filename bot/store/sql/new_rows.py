"""Rows that a transaction inserts and goes on working with: they are not read again, nor locked."""

from collections.abc import Mapping
from functools import cache
from typing import TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached

from bot.store.sql import prebuilt

Row = TypeVar("Row", bound=DeclarativeBase)


def insert(session: Session, table: type[Row], **values: object) -> Row | None:
    """Insert a row unless one with the same unique values exists; return it, or None.

    Nobody else can see or lock it before this transaction is committed, so it is as it was written. A column with a
    default that is not given is read when it is looked at.
    """
    insertion = prebuilt.insertion(session.get_bind().dialect.name, table)
    key = prebuilt.rows(session, insertion, **values).scalar_one_or_none()
    if key is None:
        return None
    [primary] = inspect(table).primary_key
    columns: Mapping[str, object] = {**_empty(table), **values, str(primary.key): key}
    row = table(**columns)
    make_transient_to_detached(row)
    session.add(row)
    return row


@cache
def _empty(table: type[DeclarativeBase]) -> Mapping[str, None]:
    """Return the columns that are empty in a new row for which they are not given."""
    mapper = inspect(table)
    return {
        mapper.get_property_by_column(column).key: None
        for column in mapper.columns
        if column.nullable and column.default is None and column.server_default is None
    }

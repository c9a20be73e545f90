"""How the columns of many rows are changed, whichever table they are in: JSON is read and written as it is stored."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    false,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from bot.store.personal.inventory import TABLES
from bot.store.personal.kinds_of_data import TableData
from bot.store.personal.stored_values import emptied
from bot.store.schema import Base

RAW = JSON(none_as_null=True)
Row = Mapping[str, Any]
"A row by the names of its columns; its key is beside them, also where it is not asked for."
_THROUGH = {"turn_id": "turns", "handoff_id": "handoffs", "approval_id": "approvals"}


def table_of(name: str) -> Table:
    """Return a table of the schema."""
    return Base.metadata.tables[name]


def is_json(column: Column[Any]) -> bool:
    """Return whether a column is stored as JSON, whatever its rows make of it."""
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    return isinstance(kind, JSON)


def of_tickets(name: str, data: TableData, tickets: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition of the rows that belong to some tickets."""
    if not data.of or not tickets:
        return false()
    column, through = table_of(name).c[data.of], _THROUGH.get(data.of)
    if through is None:
        return column.in_(tickets)
    between = table_of(through)
    return column.in_(select(between.c.id).where(between.c.ticket_id.in_(tickets)))


def naming(name: str, columns: Sequence[str], texts: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition of the rows that may have one of some texts in one of some columns, in upper or lower case.

    In JSON a letter beyond ASCII is stored escaped.
    """
    found = []
    for column in (table_of(name).c[one] for one in columns):
        for text in texts:
            stored = json.dumps(text)[1:-1] if is_json(column) else text
            found.append(cast(column, Text).icontains(stored, autoescape=True))
    return or_(false(), *found)


def read(session: Session, name: str, where: ColumnElement[bool], columns: Sequence[str] | None = None) -> list[Row]:
    """Return rows in the order of their keys, JSON as it is stored; all their columns unless some are named."""
    table = table_of(name)
    keys = [key.name for key in table.primary_key]
    wanted = list(table.c) if columns is None else [table.c[one] for one in dict.fromkeys((*keys, *columns))]
    asked = (type_coerce(one, RAW).label(one.name) if is_json(one) else one for one in wanted)
    return [dict(row) for row in session.execute(select(*asked).where(where).order_by(*table.primary_key)).mappings()]


def change(
    session: Session, name: str, rows: Sequence[Row], new: Callable[[Row], dict[str, Any]]
) -> list[tuple[Row, dict[str, Any]]]:
    """Change rows; return those that are another now, each as it was and with its new values.

    Objects that the session holds keep their old values.

    Args:
        session: the open write transaction.
        name: the table.
        rows: rows that were read.
        new: returns the new values of a row, by column.
    """
    changed = [(row, values) for row in rows if (values := _differing(row, new(row)))]
    for columns in dict.fromkeys(tuple(sorted(values)) for _, values in changed):
        same = [(row, values) for row, values in changed if tuple(sorted(values)) == columns]
        session.connection().execute(_update(name, columns), list(_parameters(name, same)))
    return changed


def _differing(row: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if row[name] != value}


def _update(name: str, columns: Sequence[str]) -> Any:
    table = table_of(name)
    values = {one: bindparam(f"new_{one}", type_=RAW if is_json(table.c[one]) else Text()) for one in columns}
    keyed = [key == bindparam(f"old_{key.name}", type_=key.type) for key in table.primary_key]
    return update(table).where(*keyed).values(values)


def _parameters(name: str, rows: Sequence[tuple[Row, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    keys = [key.name for key in table_of(name).primary_key]
    for row, values in rows:
        yield {f"old_{key}": row[key] for key in keys} | {f"new_{one}": value for one, value in values.items()}


def words_of(name: str) -> tuple[str, ...]:
    """Return the columns of a table that hold words."""
    return tuple(TABLES[name].words.split())


def without_words(name: str, row: Row) -> dict[str, Any]:
    """Return the columns of a row that hold words, with nothing in them."""
    data, columns = TABLES[name], table_of(name).c
    return {
        one: None if columns[one].nullable and not is_json(columns[one]) else emptied(row[one], data.keeps.get(one, ()))
        for one in words_of(name)
    }


def root(name: str, rows: Sequence[Row]) -> str:
    """Return one SHA-256 over the keys of rows, each with the SHA-256 of the words that it has."""
    keys, digest = [key.name for key in table_of(name).primary_key], hashlib.sha256()
    for row in rows:
        words = json.dumps([row[one] for one in words_of(name)], sort_keys=True).encode()
        digest.update(f"{json.dumps([row[one] for one in keys])}:{hashlib.sha256(words).hexdigest()}\n".encode())
    return digest.hexdigest()

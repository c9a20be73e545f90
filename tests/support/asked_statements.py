"""What is asked of a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from bot.store.db import Database


@contextmanager
def asked_of(database: Database) -> Iterator[list[str]]:
    """Collect the statements of a block, without those that open a transaction, or renew a lease as time passes."""
    asked: list[str] = []

    def note(*told: object) -> None:
        statement = " ".join(str(told[2]).split())
        if not statement.startswith(("BEGIN", "UPDATE turns SET lease_until")):
            asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", note)

"""A worker that dies right before one of its commits."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy import event

from bot.store.db import Database


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing catches it."""


@contextmanager
def killed_at(database: Database, commit: int) -> Iterator[list[int]]:
    """Kill whoever is about to make this commit, counted from 1; the list holds how many were made.

    Only transactions that write count: whoever dies while they read has left what the last commit left.
    """
    made = [0]

    def count(_connection: sqlalchemy.Connection) -> None:
        made[0] += 1
        if made[0] == commit:
            raise Killed

    event.listen(database.writing, "commit", count)
    try:
        yield made
    finally:
        event.remove(database.writing, "commit", count)

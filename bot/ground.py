"""Marks a database and a Redis as those of one installation, or of one demo.

The database has its mark in a row (`bot.store.installation.marks`), Redis under a key. Redis may lose its mark with
everything else, or another server may take its place: so each connection checks the mark before its first command, and
sets it where there is none. Two installations also have different key names, so neither ever reads the keys of the
other.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from redis.exceptions import ConnectionError as RedisConnectionError

from bot.errors import DeskhandError

MARK = "deskhand:mark"
"The only key that every installation shares. Its value is a mark: `installation 5d3a09...`."
ID = re.compile(r"[0-9a-z]{1,32}")


class Kind(StrEnum):
    """What a database and a Redis can belong to."""

    INSTALLATION = "installation"
    DEMO = "demo"


class ForeignRedis(DeskhandError, RedisConnectionError):
    """The Redis belongs to another installation and must not be used; the message says whose it is and what to do."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One installation or demo."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        """Return the text of a mark, which operators read too."""
        return f"{self.kind} {self.id}"

    @classmethod
    def parse(cls, mark: str) -> Self | None:
        """Return what a mark stands for, or None when it is not a mark of Deskhand."""
        kind, _, identity = mark.partition(" ")
        return cls(Kind(kind), identity) if kind in list(Kind) and ID.fullmatch(identity) else None

    @property
    def queue(self) -> str:
        """Return the name of the queue; RQ's keys differ by it alone."""
        return f"deskhand-{self.id}"

    @property
    def prefix(self) -> str:
        """Return the prefix of every other key of ours."""
        return f"deskhand:{self.id}:"

    def greet(self, connection: Any) -> None:
        """Prepare a connection to Redis, and refuse it when that Redis belongs to another installation.

        Nothing is written where there is a mark: a Redis that is full or read-only can still be read.

        Raises:
            ForeignRedis: it belongs to another.
        """
        connection.on_connect()
        found = ask(connection, "GET", MARK)
        if not found:
            ask(connection, "SET", MARK, str(self), "NX")
            found = ask(connection, "GET", MARK)
        if found != str(self):
            owner = Ground.parse(found) or "somebody else"
            raise ForeignRedis(
                f"the Redis at {_place(connection)} belongs to {owner}, and this is {self}. Give each a Redis of "
                "its own in REDIS_URL (another database number will do). If the other is gone for good, "
                "empty that Redis with FLUSHDB, which loses nothing."
            )


def ask(connection: Any, *command: str) -> str:
    """Send a command over a new connection, and return the answer as text."""
    connection.send_command(*command)
    answer = connection.read_response()
    return answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer or "")


def _place(connection: Any) -> str:
    """Return a connection's address without its password."""
    at = getattr(connection, "path", "") or f"{connection.host}:{connection.port}"
    return f"{at}/{connection.db}"

"""Whose ground this is: a database and a Redis belong to one installation, or to one demo, and bear its mark.

The database's mark is in a row (`bot.store.marks`), that of Redis under a key. Redis may lose its mark with
everything else, or another server may take its place: so each connection looks before its first command, and
puts the mark where there is none. What the keys of two installations are called differs too, so that even
then nothing of one is taken for the other's.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from redis.exceptions import ConnectionError as RedisConnectionError

from bot.errors import DeskhandError

MARK = "deskhand:mark"
"The only key that has the same name for all: `installation 5d3a09...`."
ID = re.compile(r"[0-9a-z]{1,32}")


class Kind(StrEnum):
    """What may stand on a ground."""

    INSTALLATION = "installation"
    DEMO = "demo"


class Anothers(DeskhandError, RedisConnectionError):
    """This Redis is another's: to us it is as good as away. The message says whose it is, and what helps."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One installation or demo."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        """Return it as it stands in a mark and in sentences to an operator."""
        return f"{self.kind} {self.id}"

    @classmethod
    def parse(cls, mark: str) -> Self | None:
        """Return whose mark it is, or None when it is none of ours."""
        kind, _, identity = mark.partition(" ")
        return cls(Kind(kind), identity) if kind in list(Kind) and ID.fullmatch(identity) else None

    @property
    def queue(self) -> str:
        """Return the name of the queue: RQ's keys are told apart by it alone."""
        return f"deskhand-{self.id}"

    @property
    def prefix(self) -> str:
        """Return what every other key of ours begins with."""
        return f"deskhand:{self.id}:"

    def greet(self, connection: Any) -> None:
        """Prepare a connection to Redis, and refuse to use it when it leads to another's.

        Nothing is written where a mark stands: a Redis that is full or read-only can still be read.

        Raises:
            Anothers: it does.
        """
        connection.on_connect()
        found = ask(connection, "GET", MARK)
        if not found:
            ask(connection, "SET", MARK, str(self), "NX")
            found = ask(connection, "GET", MARK)
        if found != str(self):
            owner = Ground.parse(found) or "somebody else"
            raise Anothers(
                f"the Redis at {_place(connection)} belongs to {owner}, and this is {self}. Give each a Redis of "
                "its own in REDIS_URL (another database number will do). If the other is gone for good, "
                "empty that Redis with FLUSHDB; nothing is lost by it."
            )


def ask(connection: Any, *command: str) -> str:
    """Send a command over a connection that is being prepared, and return the answer as text."""
    connection.send_command(*command)
    answer = connection.read_response()
    return answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer or "")


def _place(connection: Any) -> str:
    """Return a connection's address without its password."""
    at = getattr(connection, "path", "") or f"{connection.host}:{connection.port}"
    return f"{at}/{connection.db}"

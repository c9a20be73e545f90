"""The queue of whoever's mark a Redis bears, as the tests look into it."""

from typing import Any

from redis import Redis
from rq import Queue

from bot.ground import MARK, Ground
from bot.queue import open_queue


def queue_of(connection: Redis) -> Queue:
    """Return it; the queue without an owner while Redis bears no mark."""
    return open_queue(connection, ground_of(connection))


def ground_of(connection: Redis) -> Ground | None:
    """Return whose mark a Redis bears, or None: nobody's."""
    mark: Any = connection.get(MARK)
    return Ground.parse(mark.decode()) if mark else None

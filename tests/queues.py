"""The queue of whoever's mark a Redis bears, as the tests look into it."""

from typing import Any

from redis import Redis
from rq import Queue

from bot.ground import MARK, Ground
from bot.queue import open_queue


def queue_of(connection: Redis) -> Queue:
    """Return it; the queue without an owner while Redis bears no mark."""
    mark: Any = connection.get(MARK)
    return open_queue(connection, Ground.parse(mark.decode()) if mark else None)

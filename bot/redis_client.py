"""Connects to Redis: it fails fast, sends each command once, and never puts the address into an error."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.errors import ConfigError

Made = TypeVar("Made")
Greet = Callable[[Any], None]
"Prepares a new connection before its first command, and may refuse it (`bot.ground`)."

SOCKET_SECONDS = 0.5
"Seconds to connect or to wait for an answer: a hung Redis must not hold up acknowledgements and model calls."
CONNECTIONS, POOL_SECONDS = 16, 5.0
"The most connections of a process, shared by its threads, and the seconds that a thread waits for a free one."


def shared(url: str, greet: Greet | None, **more: Any) -> Redis:
    """Return a client for all threads of a process; nothing is sent yet.

    Args:
        url: the address.
        greet: prepares each connection.
        more: further options for redis-py.

    Raises:
        ConfigError: the address cannot be read.
    """
    pool = {"max_connections": CONNECTIONS, "timeout": POOL_SECONDS, "socket_timeout": SOCKET_SECONDS}
    return _connected(lambda: Redis.from_pool(BlockingConnectionPool.from_url(url, **pool, **_once(greet), **more)))


def patient(url: str, greet: Greet | None, *, connections: int) -> Redis:
    """Return a client that may wait for an answer without a limit; nothing is sent yet.

    Args:
        url: the address.
        greet: prepares each connection.
        connections: the most that are open at a time; above it, a command fails at once.

    Raises:
        ConfigError: the address cannot be read.
    """
    return _connected(lambda: Redis.from_url(url, max_connections=connections, socket_timeout=None, **_once(greet)))


def _once(greet: Greet | None) -> dict[str, Any]:
    """Return the options with which a client sends each command once: a lost answer must not run it again."""
    return {
        **({} if greet is None else {"redis_connect_func": greet}),
        "socket_connect_timeout": SOCKET_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
    }


def _connected(connect: Callable[[], Made]) -> Made:
    """Return the client that `connect` makes.

    Raises:
        ConfigError: the address cannot be read. The message does not quote it, as it may hold a password.
    """
    with suppress(ValueError, TypeError):
        return connect()
    raise ConfigError(
        "environment: REDIS_URL cannot be read; write redis://user:password@host:port/number, with the special "
        "characters of a password percent-encoded (@ is %40, / is %2F)"
    )

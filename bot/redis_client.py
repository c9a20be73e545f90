"""How we connect to Redis: at once or not at all, each command once, and never with its address in an error."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.errors import ConfigError

Made = TypeVar("Made")
Greet = Callable[[Any], None]
"Prepares a new connection before its first command; it may refuse it (`bot.ground`)."

SOCKET_SECONDS = 0.5
"In the way of a Slack acknowledgement, and of a model call: a hung Redis must not hold them up."
CONNECTIONS, POOL_SECONDS = 16, 5.0
"At most, shared by all threads of a process, and how long one waits for another that has them all."


def shared(url: str, greet: Greet | None, **more: Any) -> Redis:
    """Return a client for all threads of a process; nothing is sent yet.

    Args:
        url: the address.
        greet: prepares each connection.
        more: what else redis-py is told of a connection.

    Raises:
        ConfigError: the address cannot be read.
    """
    told = {"max_connections": CONNECTIONS, "timeout": POOL_SECONDS, "socket_timeout": SOCKET_SECONDS}
    return _at(lambda: Redis.from_pool(BlockingConnectionPool.from_url(url, **told, **_once(greet), **more)))


def patient(url: str, greet: Greet | None, *, connections: int) -> Redis:
    """Return a client that may wait for an answer without end; nothing is sent yet.

    Args:
        url: the address.
        greet: prepares each connection.
        connections: the most that are open at a time; a client that has none left fails at once.

    Raises:
        ConfigError: the address cannot be read.
    """
    return _at(lambda: Redis.from_url(url, max_connections=connections, socket_timeout=None, **_once(greet)))


def _once(greet: Greet | None) -> dict[str, Any]:
    """Return what lets a client do a command once: a reply lost on the way must not run it again."""
    return {
        **({} if greet is None else {"redis_connect_func": greet}),
        "socket_connect_timeout": SOCKET_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
    }


def _at(connect: Callable[[], Made]) -> Made:
    """Return what a way to connect makes; what is wrong with its address is said without it: it may hold a password."""
    with suppress(ValueError, TypeError):
        return connect()
    raise ConfigError(
        "environment: REDIS_URL cannot be read; write redis://user:password@host:port/number, with the special "
        "characters of a password percent-encoded (@ is %40, / is %2F)"
    )

"""Connects to Redis: it fails fast, sends each command once, and never puts the address into an error."""

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.retry import Retry

from bot.errors import ConfigError

Made = TypeVar("Made")
Greet = Callable[[Any], None]
"Prepares a new connection before its first command, and may refuse it (`bot.ground`)."

SOCKET_SECONDS = 0.5
"Seconds to connect or to wait for an answer: a hung Redis must not hold up acknowledgements and model calls."
ANONYMOUS = DriverInfo(name=None, lib_version=None)
"Sends no `CLIENT SETINFO`: it needs a right that nothing else does, and each refusal is in the server's log."
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


def lets_anybody_in(url: str) -> bool | None:
    """Return whether the Redis at an address answers a client that gives no name and no password; None: not known.

    Args:
        url: the address; its name and password are left out.
    """
    place = urlsplit(url)
    given = [(name, value) for name, value in parse_qsl(place.query) if name not in {"username", "password"}]
    bare = place._replace(netloc=place.netloc.rpartition("@")[2], query=urlencode(given))
    with closing(shared(bare.geturl(), None)) as client:
        try:
            return bool(client.ping())
        except (AuthenticationError, ResponseError):  # it asks for a password, or its user `default` may not ask
            return False
        except RedisError:
            return None


def named(client: Any, texts: Sequence[str], *, erase: bool) -> int:
    """Return how many keys have one of some texts in their name or in their value, and erase what has it.

    A key that is named so, and a job that says so, goes whole; of other keys only the field or the member goes.

    Args:
        client: the Redis, which is ours alone.
        texts: what is looked for.
        erase: whether anything is erased.
    """
    sought, found = [text.encode() for text in texts], 0
    for key in list(client.scan_iter(count=1_000)):
        name = key.encode() if isinstance(key, str) else key
        parts = [] if _in(sought, name) else _parts_of(client, key, sought)
        if not parts and not _in(sought, name):
            continue
        found += 1
        if erase:
            _erase(client, key, parts, whole=_in(sought, name) or name.startswith(b"rq:job:"))
    return found


def _in(sought: Sequence[bytes], *values: Any) -> bool:
    plain = [value.encode() if isinstance(value, str) else value for value in values]
    return any(text in value for text in sought for value in plain)


def _parts_of(client: Any, key: Any, sought: Sequence[bytes]) -> list[Any]:
    """Return the fields or members of a key with one of some texts; of a plain value, the value."""
    match client.type(key):
        case b"hash" | "hash":
            return [field for field, value in client.hgetall(key).items() if _in(sought, field, value)]
        case b"list" | "list":
            return [one for one in client.lrange(key, 0, -1) if _in(sought, one)]
        case b"set" | "set":
            return [one for one in client.smembers(key) if _in(sought, one)]
        case b"zset" | "zset":
            return [one for one in client.zrange(key, 0, -1) if _in(sought, one)]
        case b"string" | "string":
            value = client.get(key)
            return [value] if value is not None and _in(sought, value) else []
        case _:
            return []


def _erase(client: Any, key: Any, parts: Sequence[Any], *, whole: bool) -> None:
    kind = "string" if whole else client.type(key)
    match kind:
        case b"hash" | "hash":
            client.hdel(key, *parts)
        case b"list" | "list":
            for one in parts:
                client.lrem(key, 0, one)
        case b"set" | "set":
            client.srem(key, *parts)
        case b"zset" | "zset":
            client.zrem(key, *parts)
        case _:
            client.delete(key)


def _once(greet: Greet | None) -> dict[str, Any]:
    """Return the options with which a client sends each command once: a lost answer must not run it again."""
    return {
        **({} if greet is None else {"redis_connect_func": greet}),
        "socket_connect_timeout": SOCKET_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "driver_info": ANONYMOUS,
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

"""The rights that Deskhand and RQ need in Redis, and which of them its user lacks.

A managed Redis often forbids commands, and a right that is missing shows only when its command runs, perhaps in the
middle of a turn. So each process tries every command before its first work, without an effect: each is called for a key
that holds a text, on which Redis refuses the commands of other types, and it looks at the rights before that.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from bot import redis_client
from bot.errors import ConfigError, Transient, kind

KEYS = ("rq:*", "deskhand:*")
"The patterns of all keys: RQ's own, and ours."
CHANNELS = "rq:pubsub:*"
"The pattern of the channels on which workers hear commands."
TRIALS = (
    *("SET key 1 PX 5000", "GET key", "EXISTS key", "TYPE key", "EXPIRE key 5", "PERSIST key"),
    *("PEXPIREAT key 9000000000000", "PEXPIRE key 5000", "SCAN 0 COUNT 1", "TIME", "PING", "INFO server"),
    *("HSET key f v", "HGET key f", "HMGET key f", "HGETALL key", "HEXISTS key f", "HKEYS key", "HDEL key f"),
    *("HINCRBY key f 1", "HINCRBYFLOAT key f 1", "SADD key m", "SREM key m", "SCARD key", "SMEMBERS key"),
    *("ZADD key 1 m", "ZREM key m", "ZCARD key", "ZRANGE key 0 0", "ZRANGEBYSCORE key 0 0"),
    *("ZREMRANGEBYSCORE key 0 0", "ZSCORE key m", "RPUSH key m", "LPOP key", "LLEN key", "LINDEX key 0"),
    *("LRANGE key 0 0", "LREM key 0 m", "LPOS key m", "LMOVE key key LEFT RIGHT", "BLMOVE key key LEFT RIGHT 0.01"),
    *("XADD key * f v", "EVALSHA none 1 key", "SCRIPT LOAD return", "SCRIPT FLUSH none", "DEL key"),
    *("WATCH key", "UNWATCH", "MULTI", "EXEC", "PUBLISH channel x", "SUBSCRIBE channel", "UNSUBSCRIBE channel"),
)
"Each command that is used, with arguments for its trial; `docs/how-to/install.md` lists them too."
DENIED = "no permissions to run"
"How Redis answers that a user may not use a command; EXEC answers so as part of another error."
UNKNOWN = ("unknown command", "unknown subcommand")
"How a service answers that has removed a command."
SPLIT = frozenset({"SCRIPT"})
"Commands whose subcommands have rights of their own."


def rule() -> str:
    """Return what `ACL SETUSER` is told, besides a name and a password, of a user with exactly these rights."""
    keys, names = (f"~{pattern}" for pattern in KEYS), sorted({_name(trial) for trial in TRIALS} | {"SELECT"})
    commands = (f"+{name.lower().replace(' ', '|')}" for name in names)
    return " ".join(("resetkeys", "resetchannels", *keys, f"&{CHANNELS}", "-@all", *commands))


def check(redis_url: str) -> None:
    """Refuse to go on with a user who lacks a right.

    Raises:
        ConfigError: it does; the message names them.
        Transient: Redis cannot be reached.
    """
    if lacking := missing(redis_url):
        raise ConfigError(
            f"redis: the user of REDIS_URL may not use {', '.join(lacking)}; docs/how-to/install.md lists what it needs"
        )


def missing(redis_url: str) -> list[str]:
    """Return the commands that the user of an address may not use, such as `SCRIPT LOAD`, and the patterns of keys.

    Raises:
        ConfigError: the address cannot be read, or Redis does not take its user name and password.
        Transient: Redis cannot be reached.
    """
    try:
        with closing(redis_client.shared(redis_url, None, protocol=2)) as client:
            pool: Any = client.connection_pool
            connection = pool.get_connection()
            try:
                return list(dict.fromkeys(lack for pattern in KEYS for lack in _tried(connection, pattern)))
            finally:
                connection.disconnect()
                pool.release(connection)
    except NoPermissionError:  # a connection begins with the number of its database
        return ["SELECT"]
    except AuthenticationError as error:
        raise ConfigError("redis: the user name or the password in REDIS_URL is missing or wrong") from error
    except RedisError as error:
        raise Transient(f"redis: {kind(error)}") from error


def _tried(connection: Any, pattern: str) -> Iterator[str]:
    """Try every command for one key of a pattern, all of them in one round trip."""
    own = f"rights-{uuid4().hex}"
    names = {"key": pattern.replace("*", own), "channel": CHANNELS.replace("*", own)}
    connection.send_packed_command(
        connection.pack_commands([[names.get(word, word) for word in trial.split(" ")] for trial in TRIALS])
    )
    for trial in TRIALS:
        try:
            connection.read_response()
        except ResponseError as error:
            yield from _lack(error, _name(trial), pattern)


def _lack(error: ResponseError, name: str, pattern: str) -> Iterator[str]:
    """Yield what an answer to a trial says that the user lacks; most trials fail, as they must."""
    text = str(error)
    if DENIED in text or text.startswith(UNKNOWN):
        yield name
    elif isinstance(error, NoPermissionError):
        yield f"channels {CHANNELS}" if "channel" in text else f"keys {pattern}"


def _name(trial: str) -> str:
    first, second, *_ = *trial.split(" "), ""
    return f"{first} {second}" if first in SPLIT else first

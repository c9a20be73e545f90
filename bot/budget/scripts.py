"""The Lua scripts that run in Redis, and the check that the server was not restarted.

Redis may be restarted from an old snapshot, or be replaced by a server that missed the last writes. Invariant: no
script runs on accounts that were written in another run of the server.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import redis

from bot import redis_client
from bot.errors import Transient, kind
from bot.ground import Ground, ask

PREFIX = "budget:"
ACCOUNTS = f"{PREFIX}a:"
FILE = f"{PREFIX}file"
SERVER = f"{PREFIX}server"
"Key with the id of the server run in which the accounts were written."

NAMES = ("open", "fill", "reserve", "dispatch", "settle", "expire", "unsent")
SCRIPTS = {name: (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8") for name in NAMES}

REFUSALS = (
    "no permissions",
    "No permissions",
    "The user executing the script can't run this command",
    "OOM",
    "used memory",
    "NOREPLICAS",
    "BUSY",
    "READONLY",
    "read only replica",
    "MISCONF",
    "MASTERDOWN",
    "NOSCRIPT",
    "No matching script",
)
"""Parts of the errors of a Redis that is up but takes no writes, has lost our scripts again, or has taken a right from
our user; whether all are there at the start is checked by `bot.redis_rights`."""


def connect(url: str, ground: Ground | None = None) -> "redis.Redis":
    """Return the Redis at an address, which must belong to `ground` if given; nothing is sent yet.

    Raises:
        ConfigError: the address cannot be read.
    """
    return redis_client.shared(url, partial(_greet, ground), decode_responses=True)


def run(client: "redis.Redis", name: str, keys: Sequence[str], values: Sequence[str | int], *, prefix: str = "") -> Any:
    """Run a script and return its answer.

    Args:
        client: the Redis.
        name: name of the script.
        keys: the keys, without the prefix.
        values: the other arguments.
        prefix: prefix of each key in Redis.

    Raises:
        Transient: Redis cannot be reached, or takes no writes.
    """
    sha = hashlib.sha1(SCRIPTS[name].encode(), usedforsecurity=False).hexdigest()
    prefixed = [f"{prefix}{key}" for key in keys]
    with translated():
        try:
            return client.evalsha(sha, len(keys), *prefixed, *values)
        except redis.exceptions.NoScriptError:
            start_over(client, prefix)
            return client.evalsha(sha, len(keys), *prefixed, *values)


def start_over(client: "redis.Redis", prefix: str = "") -> None:
    """Drop every account, then load the scripts.

    A Redis without our scripts has been restarted, and its amounts may be old. No account can be used until the scripts
    are loaded. Holds are not dropped: another process may have made new ones already, and old ones fit no account.
    """
    for accounts in by_hundreds(client.scan_iter(f"{prefix}{ACCOUNTS}*", count=1000)):
        client.delete(*accounts)
    for text in SCRIPTS.values():
        client.script_load(text)


def by_hundreds(keys: Iterator[str]) -> Iterator[list[str]]:
    """Yield keys a hundred at a time."""
    while some := list(islice(keys, 100)):
        yield some


@contextmanager
def translated() -> Iterator[None]:
    """Translate errors that pass with time into Transient."""
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise Transient(f"redis: {kind(error)}") from error
    except redis.exceptions.ResponseError as error:
        # For errors inside a script the kind of error is only in the text.
        if any(word in str(error) for word in REFUSALS):
            raise Transient(f"redis: {kind(error)}") from error
        raise


def _greet(ground: Ground | None, connection: Any) -> None:
    """Remove our scripts and end the epoch if the accounts were written in another run of the server.

    A restart does not always remove scripts: Redis 6 keeps them in its append-only file and sends them to replicas.
    Every connection runs this before its first command, and a restart closes all connections.
    """
    if ground is None:
        connection.on_connect()
    else:
        ground.greet(connection)
    prefix = "" if ground is None else ground.prefix
    found = re.search(r"run_id:(\w+)", ask(connection, "INFO", "server"))
    run_id = found.group(1) if found else ""
    ask(connection, "WATCH", f"{prefix}{SERVER}")
    if ask(connection, "GET", f"{prefix}{SERVER}") == run_id:
        ask(connection, "UNWATCH")
        return
    forget = ("DEL", f"{prefix}{FILE}"), ("SET", f"{prefix}{SERVER}", run_id)
    for command in (("MULTI",), ("SCRIPT", "FLUSH"), *forget, ("EXEC",)):
        ask(connection, *command)  # EXEC does nothing if another connection was quicker

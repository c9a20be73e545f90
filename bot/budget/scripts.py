"""The scripts that run in Redis, and whether it is still the Redis that they were loaded into.

Redis may be restarted from an old snapshot, or another server may take its place that has missed the last
moments. Invariant: no script runs on accounts that were written in another run of the server.
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
"Where it stands in which run of the server the accounts were written."

NAMES = ("open", "fill", "reserve", "dispatch", "settle", "expire", "unsent")
SCRIPTS = {name: (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8") for name in NAMES}

REFUSALS = (
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
"What a Redis says that is up and takes no writes, or lost our scripts again at once."


def connect(url: str, ground: Ground | None = None) -> "redis.Redis":
    """Return the Redis at an address, whose ground it has to be when one is told; nothing is sent yet.

    Raises:
        ConfigError: the address cannot be read.
    """
    return redis_client.shared(url, partial(_greet, ground), decode_responses=True)


def run(client: "redis.Redis", name: str, keys: Sequence[str], values: Sequence[str | int], *, prefix: str = "") -> Any:
    """Run a script, and return its answer.

    Args:
        client: the Redis.
        name: of the script.
        keys: as the house calls them.
        values: what else it is told.
        prefix: what stands before each key in Redis.

    Raises:
        Transient: Redis cannot be reached, or takes no writes.
    """
    sha = hashlib.sha1(SCRIPTS[name].encode(), usedforsecurity=False).hexdigest()
    there = [f"{prefix}{key}" for key in keys]
    with translated():
        try:
            return client.evalsha(sha, len(keys), *there, *values)
        except redis.exceptions.NoScriptError:
            start_over(client, prefix)
            return client.evalsha(sha, len(keys), *there, *values)


def start_over(client: "redis.Redis", prefix: str = "") -> None:
    """Drop every account, and only then load the scripts.

    A Redis without our scripts has been restarted, and what it says of money may be old. Nobody can use an
    account while the scripts are away. Holds stay: another process may be ready already and have made new
    ones, and old ones fit no account.
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
    """Raise what only time can mend as Transient."""
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise Transient(f"redis: {kind(error)}") from error
    except redis.exceptions.ResponseError as error:
        # Inside a script the vendor's own error classes are only words in the text.
        if any(word in str(error) for word in REFUSALS):
            raise Transient(f"redis: {kind(error)}") from error
        raise


def _greet(ground: Ground | None, connection: Any) -> None:
    """Take our scripts away from a server that is not the one which the accounts were written in, and end the epoch.

    That they are gone after a restart is not to be relied on: Redis 6 keeps them in its append-only file and
    gives them to its replicas. Every connection passes here before its first command, and a restart ends all.
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
        ask(connection, *command)  # EXEC does nothing when another connection was quicker

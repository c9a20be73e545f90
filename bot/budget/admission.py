"""The gate: accounts and holds in Redis, which say at once whether a call fits under its caps.

Redis may lose everything at any moment. Invariants: a missing account never counts as zero, it is
filled from SQL under a new generation; a hold of another generation dispatches nothing; whatever
does not fit together is dropped and filled again. Each move is one Lua script beside this module.

    budget:a:<account>   hash: state (opening, open), gen, start of the window, spent, held
    budget:r:<rid>       hash: amount, sent, dead, and the gen of every account it holds on
    budget:leases        sorted set: rid by the time (Redis' own clock, ms) at which its lease ends
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.budget.caps import Cap
from bot.errors import ConfigError, Transient
from bot.store.ledger import Standing

PREFIX = "budget:"
HOLDS = f"{PREFIX}r:"
LEASES = f"{PREFIX}leases"

SOCKET_SECONDS = 0.5
CONNECTIONS, POOL_SECONDS = 16, 5.0
"At most, and how long a call waits for one of them: a script takes well under a millisecond."
OPENING_PATIENCE_MS = 1_000
"How long an opener may take before another takes its place; filling takes milliseconds."
OPENING_PAUSE = 0.01
OPENING_SECONDS = 10.0
KEPT_AFTER_WINDOW = timedelta(days=1)
EXPIRED_AT_ONCE = 200
REFUSALS = ("OOM", "READONLY", "read only replica", "MISCONF", "MASTERDOWN", "NOSCRIPT", "No matching script")
"What a Redis says that is up and takes no writes, or lost our scripts again at once."

NAMES = ("open", "fill", "reserve", "dispatch", "settle", "expire")
SCRIPTS = {name: (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8") for name in NAMES}

Recall = Callable[[Cap], Standing]
"Reads from SQL what an account has spent and what its open calls hold."


@dataclass(frozen=True, slots=True)
class Held:
    """A hold on every account that applies."""

    rid: str
    accounts: tuple[str, ...]
    gens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """The cap that a call does not fit under."""

    cap: Cap
    spent_nusd: int
    held_nusd: int


@dataclass(frozen=True, slots=True)
class Expired:
    """A hold whose lease is over; if it was not dispatched, it cannot be any more."""

    rid: str
    accounts: tuple[str, ...]


class Gate:
    """Admission over any number of accounts, decided in one step."""

    def __init__(self, client: "redis.Redis", *, lease_seconds: float) -> None:
        self._redis = client
        self._lease_ms = int(lease_seconds * 1000)

    @classmethod
    def connect(cls, url: str, *, lease_seconds: float) -> Self:
        """Return a gate on the Redis at an address; nothing is sent yet."""
        # No retries: a command whose answer was lost must not run twice.
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=POOL_SECONDS,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
        )
        return cls(redis.Redis.from_pool(pool), lease_seconds=lease_seconds)

    def close(self) -> None:
        """Give every connection back."""
        self._redis.close()

    def check(self) -> None:
        """Refuse a Redis that may throw keys away on its own.

        Raises:
            ConfigError: its `maxmemory-policy` is not noeviction.
            Transient: it cannot be reached.
        """
        with _translated():
            policy = self._redis.info("memory")["maxmemory_policy"]
        if policy != "noeviction":
            raise ConfigError(f"redis: maxmemory-policy is {policy}; expected noeviction")

    def reserve(self, rid: str, amount: int, caps: Sequence[Cap], recall: Recall) -> Held | Over:
        """Hold an amount (nano-USD) under every cap, or say which one it does not fit under.

        Raises:
            Transient: Redis or SQL cannot be reached, or an account cannot be opened in time.
        """
        accounts = tuple(f"{PREFIX}a:{cap.key}" for cap in caps)
        values = [value for cap in caps for value in (cap.limit_nusd, _ms(cap.window_start.timestamp()))]
        deadline = time.monotonic() + OPENING_SECONDS
        while time.monotonic() < deadline:
            answer = self._run("reserve", [HOLDS + rid, LEASES, *accounts], [rid, amount, self._lease_ms, *values])
            match answer:
                case ["HELD", *gens]:
                    return Held(rid, accounts, tuple(gens))
                case ["OVER", index, spent, held]:
                    return Over(caps[index], int(spent), int(held))
                case _:
                    self._open(accounts[answer[1]], caps[answer[1]], recall)
        raise Transient("budget: an account could not be opened from the ledger")

    def dispatch(self, held: Held) -> bool:
        """Tell, after the row is committed, whether the call may leave.

        Raises:
            Transient: Redis cannot be reached; then it may not.
        """
        return bool(self._run("dispatch", [HOLDS + held.rid, *held.accounts], held.gens))

    def settle(self, rid: str, accounts: Sequence[str], *, cost: int) -> None:
        """End a hold that SQL has resolved: its amount is freed, its cost (nano-USD) spent.

        Raises:
            Transient: Redis cannot be reached; the hold is then found when its lease is over.
        """
        self._run("settle", [HOLDS + rid, LEASES, *accounts], [rid, cost])

    def expired(self) -> tuple[Expired, ...]:
        """Return holds whose lease is over, the oldest first.

        Raises:
            Transient: Redis cannot be reached.
        """
        found = self._run("expire", [LEASES], [HOLDS, EXPIRED_AT_ONCE])
        return tuple(Expired(rid, tuple(accounts)) for rid, *accounts in found)

    def _open(self, account: str, cap: Cap, recall: Recall) -> None:
        gen = uuid4().hex  # never a counter: a flushed Redis would count from one again
        if not self._run("open", [account], [gen, _ms(cap.window_start.timestamp()), OPENING_PATIENCE_MS]):
            time.sleep(OPENING_PAUSE)
            return
        known = recall(cap)
        closing = _ms((cap.resets_at + KEPT_AFTER_WINDOW).timestamp())
        self._run(
            "fill",
            [account, LEASES, *(HOLDS + rid for rid, _ in known.under_way)],
            [gen, known.spent_nusd, closing, self._lease_ms, *(v for pair in known.under_way for v in pair)],
        )

    def _run(self, name: str, keys: Sequence[str], values: Sequence[str | int]) -> Any:
        sha = hashlib.sha1(SCRIPTS[name].encode(), usedforsecurity=False).hexdigest()
        with _translated():
            try:
                return self._redis.evalsha(sha, len(keys), *keys, *values)
            except redis.exceptions.NoScriptError:
                self._start_over()
                return self._redis.evalsha(sha, len(keys), *keys, *values)

    def _start_over(self) -> None:
        """Drop every account before the scripts come back.

        A Redis without our scripts has been restarted, perhaps from an old snapshot, and what it
        says of money may be old. Nobody can use an account while the scripts are away.
        """
        for key in self._redis.scan_iter(f"{PREFIX}*", count=1000):
            self._redis.delete(key)
        for text in SCRIPTS.values():
            self._redis.script_load(text)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise Transient(f"redis: {error}") from error
    except redis.exceptions.ResponseError as error:
        # Inside a script the vendor's own error classes are only words in the text.
        if any(word in str(error) for word in REFUSALS):
            raise Transient(f"redis: {error}") from error
        raise

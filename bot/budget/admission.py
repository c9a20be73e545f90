"""Accounts and holds in Redis, which decide at once whether a call fits under its caps.

Redis may lose everything at any moment. Invariants: a missing account never counts as zero but is filled from SQL under
a new generation; a hold of another generation dispatches nothing; an inconsistent account is dropped and filled again.
One person holds at most a share of a cap that many people share. Each step is one Lua script (`bot.budget.scripts`).

    budget:a:<account>   hash: state (opening, open), gen, epoch, start of the window, spent, held, raised,
                         and by:<person> what each person holds
    budget:r:<rid>       hash: amount, person, epoch, sent, dead, and the gen of every account it holds on
    budget:file          hash: version of the budget file in use, the epoch that began with it, and since when
    budget:leases        sorted set: rid by the time (Redis' own clock, ms) at which its lease expires
    budget:server        id of the run of redis-server in which all of this was written

Each name is prefixed with that of the installation (`bot.ground`); rows and callers do not see the prefix.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from bot.budget import scripts
from bot.budget.caps import Cap
from bot.budget.scripts import ACCOUNTS, FILE, PREFIX
from bot.errors import ConfigError, Transient
from bot.ground import ForeignRedis, Ground
from bot.store.money.ledger import BudgetState

if TYPE_CHECKING:
    import redis

HOLDS = f"{PREFIX}r:"
LEASES = f"{PREFIX}leases"

OPENING_PATIENCE_MS = 5_000
"How long one process may take to open an account; longer than SQL takes to sum a busy month."
OPENING_PAUSE = 0.01
EPOCH_MS = 200
"Minimum length of an epoch. During one, only calls that use its budget file are admitted."
OPENING_SECONDS = 15.0
KEPT_AFTER_WINDOW = timedelta(days=1)
EXPIRED_AT_ONCE = 200

ALL = Decimal(1)
"The whole limit: one person may hold all of it."

Recall = Callable[[Cap], BudgetState]
"Reads from SQL what an account has spent and what its open calls hold."


@dataclass(frozen=True, slots=True)
class Held:
    """A hold on every account that applies."""

    rid: str
    accounts: tuple[str, ...]
    gens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """The cap that a call does not fit under, even if the calls under way cost nothing."""

    cap: Cap
    spent_nusd: int
    held_nusd: int
    raised_nusd: int = 0
    "What the owner has added to the cap until the window ends."
    others: tuple["Over", ...] = ()
    "Other caps that the call does not fit under; none of them resets later."

    @property
    def limit_nusd(self) -> int:
        """Return the limit in force."""
        return self.cap.limit_nusd + self.raised_nusd

    @property
    def room_nusd(self) -> int:
        """Return what would fit under this cap and the others beside what is spent, in nano-USD."""
        mine = self.limit_nusd - self.spent_nusd
        return min([mine, *(over.room_nusd for over in self.others)])


@dataclass(frozen=True, slots=True)
class Full:
    """There is no room for a call now, because of calls under way; it would fit beside what is spent."""

    caps: tuple[Cap, ...]
    "The caps under which there is no room."
    room_nusd: int
    "What would fit now, beside all holds and within the person's share."


@dataclass(frozen=True, slots=True)
class Spent:
    """What an account has spent, and by how much its cap is raised."""

    account: str
    spent_nusd: int
    raised_nusd: int


@dataclass(frozen=True, slots=True)
class Expired:
    """A hold whose lease has expired; if it was not dispatched, it no longer can be."""

    rid: str
    accounts: tuple[str, ...]


class Holds:
    """Holds on any number of accounts, each decided in one step."""

    def __init__(self, client: "redis.Redis", *, lease_seconds: float, prefix: str = "") -> None:
        self._redis = client
        self._prefix = prefix
        self._lease_ms = int(lease_seconds * 1000)

    @classmethod
    def connect(cls, url: str, *, lease_seconds: float, ground: Ground | None = None) -> Self:
        """Return the holds in the Redis at an address, which must belong to `ground` if given; nothing is sent yet."""
        prefix = "" if ground is None else ground.prefix
        return cls(scripts.connect(url, ground), lease_seconds=lease_seconds, prefix=prefix)

    def close(self) -> None:
        """Close every connection."""
        self._redis.close()

    def check(self) -> None:
        """Refuse a Redis that may evict keys.

        Raises:
            ConfigError: its `maxmemory-policy` is not noeviction, or it belongs to another installation.
            Transient: it cannot be reached.
        """
        with scripts.translated():
            try:
                policy = self._redis.info("memory")["maxmemory_policy"]
            except ForeignRedis as error:
                raise ConfigError(str(error)) from error
        if policy != "noeviction":
            raise ConfigError(f"redis: maxmemory-policy is {policy}; expected noeviction")

    def reserve(
        self,
        rid: str,
        amount: int,
        caps: Sequence[Cap],
        recall: Recall,
        *,
        version: str = "",
        person: str = "",
        share: Decimal = ALL,
    ) -> Held | Over | Full:
        """Hold an amount under every cap, or return the caps that it does not fit under, the last to reset first.

        Args:
            rid: id of the reservation.
            amount: nano-USD.
            caps: all caps that apply.
            recall: reads an account from SQL.
            version: version of the budget file that the caps are from.
            person: Slack user id of the requester; empty for a call that counts against no share.
            share: the part of a shared limit that one person may hold; their first call always fits.

        Raises:
            Transient: Redis or SQL cannot be reached, or an account cannot be opened in time.
        """
        accounts = tuple(account_of(cap.key) for cap in caps)
        deadline = time.monotonic() + OPENING_SECONDS
        while time.monotonic() < deadline:
            answer = self._run(
                "reserve",
                [HOLDS + rid, LEASES, FILE, *accounts],
                [rid, amount, self._lease_ms, version, EPOCH_MS, *_limits(caps, person, share)],
            )
            match answer:
                case ["HELD", *gens]:
                    return Held(rid, accounts, tuple(gens))
                case ["OVER", *found]:
                    return _over(caps, found)
                case ["FULL", *found]:
                    return Full(tuple(caps[index] for index, _ in found), min(int(room) for _, room in found))
                case ["OTHER"]:
                    time.sleep(OPENING_PAUSE)
                case _:
                    self._open(accounts[answer[1]], caps[answer[1]], recall)
        raise Transient("budget: an account could not be opened from the ledger")

    def dispatch(self, held: Held) -> bool:
        """Return whether the call may leave; its row must be committed.

        Raises:
            Transient: Redis cannot be reached; then it may not.
        """
        return bool(self._run("dispatch", [HOLDS + held.rid, FILE, *held.accounts], held.gens))

    def settle(self, rid: str, accounts: Sequence[str], *, cost: int) -> tuple[Spent, ...]:
        """End a hold that SQL has resolved: free its amount and add its cost (nano-USD) to what is spent.

        Returns:
            What each account has spent now; an account that had to be dropped is left out.

        Raises:
            Transient: Redis cannot be reached; the hold is found when its lease has expired.
        """
        answer = self._run("settle", [HOLDS + rid, LEASES, *accounts], [rid, cost])
        return tuple(_spent(account, *found) for account, found in zip(accounts, answer, strict=True) if found)

    def drop(self, key: str) -> None:
        """Drop the account of a cap, so that it opens again from SQL with a decision that was stored there.

        Raises:
            Transient: Redis cannot be reached.
        """
        with scripts.translated():
            self._redis.delete(f"{self._prefix}{account_of(key)}")

    def open_accounts(self) -> Iterator[tuple[Spent, datetime]]:
        """Yield what every open account has spent, with the start of its window, in no order.

        Raises:
            Transient: Redis cannot be reached.
        """
        with scripts.translated():
            for accounts in scripts.by_hundreds(self._redis.scan_iter(f"{self._prefix}{ACCOUNTS}*", count=1000)):
                pipeline = self._redis.pipeline(transaction=False)
                for account in accounts:
                    pipeline.hmget(account, "start", "spent", "raised")
                for account, (start, spent, raised) in zip(accounts, pipeline.execute(), strict=True):
                    if spent is not None and raised is not None:  # otherwise it is being opened, or was dropped
                        yield _spent(self._ours(account), spent, raised), datetime.fromtimestamp(int(start) / 1000, UTC)

    def expired(self) -> tuple[Expired, ...]:
        """Return the holds whose lease has expired, the oldest first.

        Raises:
            Transient: Redis cannot be reached.
        """
        found = self._run("expire", [LEASES], [f"{self._prefix}{HOLDS}", EXPIRED_AT_ONCE])
        return tuple(Expired(rid, tuple(map(self._ours, accounts))) for rid, *accounts in found)

    def unsent(self, rids: Sequence[str]) -> list[str]:
        """Return which of these calls have certainly not left; after this they cannot leave.

        Raises:
            Transient: Redis cannot be reached.
        """
        if not rids:
            return []
        return [rids[place] for place in self._run("unsent", [FILE, *(HOLDS + rid for rid in rids)], [])]

    def _open(self, account: str, cap: Cap, recall: Recall) -> None:
        gen = uuid4().hex  # not a counter: a flushed Redis would start at one again
        if not self._run("open", [account, FILE], [gen, _ms(cap.window_start.timestamp()), OPENING_PATIENCE_MS]):
            time.sleep(OPENING_PAUSE)
            return
        known = recall(cap)
        closing = _ms((cap.resets_at + KEPT_AFTER_WINDOW).timestamp())
        keys = [account, LEASES, *(HOLDS + call.rid for call in known.under_way)]
        values: list[str | int] = [gen, known.spent_nusd, known.raised_nusd, closing, self._lease_ms]
        for call in known.under_way:
            values += [call.rid, call.held_nusd, call.person]
        self._run("fill", keys, values)

    def _run(self, name: str, keys: Sequence[str], values: Sequence[str | int]) -> Any:
        return scripts.run(self._redis, name, keys, values, prefix=self._prefix)

    def _ours(self, key: str) -> str:
        """Return a key without the prefix of the installation."""
        return key.removeprefix(self._prefix)


def account_of(key: str) -> str:
    """Return the Redis key of a cap's account."""
    return ACCOUNTS + key


def _limits(caps: Sequence[Cap], person: str, share: Decimal) -> list[str | int]:
    """Return limit and window start of each cap, then the person, then the share of each cap."""
    limits = [value for cap in caps for value in (cap.limit_nusd, _ms(cap.window_start.timestamp()))]
    return [*limits, person, *(str(share if cap.shared else ALL) for cap in caps)]


def _over(caps: Sequence[Cap], found: Sequence[Sequence[Any]]) -> Over:
    """Return the cap that resets last, with the others: even after those reset the call does not fit."""
    overs = [Over(caps[index], int(spent), int(held), int(raised)) for index, spent, held, raised in found]
    last, *others = sorted(overs, key=lambda over: over.cap.resets_at, reverse=True)
    return replace(last, others=tuple(others))


def _spent(account: str, spent: str, raised: str) -> Spent:
    return Spent(account.removeprefix(ACCOUNTS), int(spent), int(raised))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

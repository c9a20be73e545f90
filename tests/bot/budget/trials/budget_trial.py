"""Trials of the budgets: people spend, everything breaks, and then the laws must hold.

A trial is chosen by its seed: who dies how likely at which moment, which accounts are evicted, when all is
flushed, when Redis dies and comes back with an old snapshot, which caps are raised meanwhile. What the machine
makes of it differs a little each time.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import redis
from sqlalchemy import select

from bot.budget.caps import Budgets
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices
from bot.budget.scripts import ACCOUNTS
from bot.errors import Transient
from bot.store import db
from bot.store.money import reviews
from bot.store.schema import BudgetReview, ReviewState
from tests.bot.budget.trials import budget_invariants
from tests.bot.budget.trials.budget_invariants import BudgetVerdict
from tests.bot.budget.trials.customer_forks import CustomerForks
from tests.bot.budget.trials.customers import NUSD_A_TOKEN, TOKENS_A_CALL, CustomerOrder
from tests.e2e.chaos.services import Redis
from tests.support.price_files import write_price_files
from tests.support.redis_servers import free_port

_CALL = TOKENS_A_CALL * NUSD_A_TOKEN
CUSTOMERS, CHANNELS, _USERS = 4, 2, 3
_LEASE_SECONDS = 1.0
DOORS_SECONDS = 60.0
_QUIET_SECONDS = 20.0
"The lease of the last call, and a second for the sweep, is what it should take."
HARMS = {"kill": 12.0, "evict": 12.0, "flush": 1.5, "old": 1.0, "raise": 6.0}
"How often a second."
BUDGET = """
time_zone: UTC
channel: {default: {window: day, hard: '0.05', soft: [50, 80]}}
user: {default: {window: month, hard: '0.04', soft: [90]}}
team: {default: {window: week, hard: '0.1', soft: [25, 75, 100]}}
agent: {default: {window: day, hard: '0.1'}}
"""


@dataclass
class BudgetOutcome:
    """What was done in a trial, and what came of it."""

    seed: str
    harms: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    "At which moments processes died of themselves."
    calls: int = 0
    spent_nusd: int = 0
    settled_s: float = 0.0
    "How long it took until nothing was open any more."
    verdict: BudgetVerdict = field(default_factory=BudgetVerdict)


class BudgetTrial:
    """One trial on a Redis and a database that it breaks."""

    def __init__(self, forks: CustomerForks, store: Redis, database_url: str, folder: Path, seed: str) -> None:
        folder.mkdir()
        write_price_files(folder, BUDGET)
        self._forks, self._store, self._url, self._folder = forks, store, database_url, folder
        self._rng, self.outcome = Random(seed), BudgetOutcome(seed)
        self._team = f"T{folder.name}"
        self._lives = 0
        self._has_snapshot = False
        self._first = list(HARMS)
        "Each kind is done once, however short the trial and slow the machine."

    def run(self, seconds: float) -> BudgetOutcome:
        """Break things for so many seconds, let it become quiet, and judge."""
        with self._meter() as meter, redis.Redis.from_url(self._store.url, decode_responses=True) as raw:
            self._open_the_doors()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self._people()
                self._strike(meter, raw)
            self._forks.empty()
            self._settle(meter, raw)
            self.outcome.verdict.over_nusd = max(self.outcome.verdict.over_nusd, self._worst)
            raw.flushall()
        dead = self._folder / "dead"
        self.outcome.moments.update(dead.read_text().split() if dead.exists() else ())
        evicted = self._folder / "evicted"
        self.outcome.harms["evict"] += sum(map(int, evicted.read_text().split())) if evicted.exists() else 0
        self.outcome.harms["kill"] += sum(self.outcome.moments.values())
        return self.outcome

    @contextmanager
    def _meter(self) -> Iterator[Meter]:
        budgets, prices = Budgets.load(self._folder / "budgets.yaml"), Prices.load(self._folder / "pricing.yaml")
        with closing(db.connect(self._url)) as database:
            connected = Meter.connect(self._store.url, database, lambda: budgets, prices, lease_seconds=_LEASE_SECONDS)
            with closing(connected) as meter:
                self._worst = 0
                yield meter

    def _open_the_doors(self) -> None:
        """Wait until somebody has made a call: on a busy machine births take their time."""
        deadline = time.monotonic() + DOORS_SECONDS
        while not (self._folder / "witness").exists():
            if time.monotonic() > deadline:
                raise TimeoutError("nobody calls")
            self._people()
            time.sleep(0.05)

    def _people(self) -> None:
        """Let somebody be born for everybody who has died."""
        here = Counter(self._forks.living.values())
        wanted = CUSTOMERS + 1 - self._forks.unborn - sum(here.values())
        for _ in range(wanted):
            part = "clock" if not here["clock"] and not self._forks.unborn else "customer"
            self._forks.bear(self._order(part))

    def _order(self, part: str) -> CustomerOrder:
        self._lives += 1
        return CustomerOrder(
            part=part,
            seed=f"{self.outcome.seed}:{self._lives}",
            odds=self._rng.choice((0.0, 0.001, 0.005, 0.02)),
            folder=str(self._folder),
            redis=self._store.url,
            database=self._url,
            lease=_LEASE_SECONDS,
            team=self._team,
            channels=CHANNELS,
            users=_USERS,
            dear=Random(self.outcome.seed).random() < 0.7,
        )

    def _strike(self, meter: Meter, raw: Any) -> None:
        """Do one harm, after a while."""
        time.sleep(self._rng.expovariate(sum(HARMS.values())))
        [harm] = [self._first.pop()] if self._first else self._rng.choices(tuple(HARMS), tuple(HARMS.values()))
        does: dict[str, Callable[[], bool]] = {
            "kill": self._kill,
            "evict": lambda: self._evict(raw),
            "flush": lambda: bool(raw.flushall()),
            "old": self._comes_back_old,
            "raise": lambda: self._raise(meter),
        }
        self.outcome.harms[harm] += does[harm]()

    def _kill(self) -> bool:
        living = sorted(self._forks.living)
        if living:
            self._forks.kill(self._rng.choice(living))
        return bool(living)

    def _evict(self, raw: Any) -> bool:
        accounts = sorted(raw.keys(f"{ACCOUNTS}*"))
        return bool(accounts and raw.delete(self._rng.choice(accounts)))

    def _comes_back_old(self) -> bool:
        """Keep a snapshot the first time; the next time Redis dies and comes back with it."""
        if not self._has_snapshot:
            self._store.remember()
            self._has_snapshot = True
            return False
        self._store.kill("old")
        time.sleep(self._rng.uniform(0.0, 0.2))
        self._store.rise()
        self._has_snapshot = False
        return True

    def _raise(self, meter: Meter) -> bool:
        """Raise a cap whose review is open; the gate is told at once, or by the clock."""
        with meter.database.read() as session:
            found = session.scalars(select(BudgetReview).where(BudgetReview.state == "open")).all()
        mine = [review for review in found if self._team in review.holder]
        if not mine:
            return False
        # What was spent so far must fit under the limit that was in force so far.
        self._worst = max(
            self._worst, budget_invariants.overspent(meter, budget_invariants.read(meter, self._team, self._folder))
        )
        review = self._rng.choice(mine)
        more = self._rng.randint(1, 60) * _CALL
        with meter.database.write() as session:
            reviews.decide(
                session, review.id, by="U0LENA", decision=ReviewState.RAISED, why="a trial", raised_nusd=more
            )
        if self._rng.random() < 0.5:
            with suppress(Transient):  # Redis has just come back; the clock tells the gate
                meter.holds.drop(review.account)
        return True

    def _settle(self, meter: Meter, raw: Any) -> None:
        """Do as the clock does until nothing is open, and judge."""
        began = time.monotonic()
        while True:
            meter.sweep()
            books = budget_invariants.read(meter, self._team, self._folder)
            still = [row for row in books.rows.values() if row.state == "sent"]
            if not still and not raw.keys("budget:r:*"):
                break
            if time.monotonic() - began > _QUIET_SECONDS:
                break
            time.sleep(0.1)
        self.outcome.settled_s = round(time.monotonic() - began, 2)
        meter.cap_events.apply_raises()
        meter.cap_events.look()
        self.outcome.verdict, books = budget_invariants.judge_budgets(meter, raw, self._team, self._folder)
        self.outcome.calls, self.outcome.spent_nusd = len(books.billed), books.true_spend


def run_trials(
    count: int, *, seed: int, seconds: float, database_url: str, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run trial after trial, and return the report.

    Args:
        count: how many trials.
        seed: what everything is chosen by.
        seconds: how long each breaks things.
        database_url: a migrated database.
        folder: for what trials leave behind.
        say: shows progress.
    """
    began, forks, store = time.monotonic(), CustomerForks(), Redis(folder / "redis", free_port())
    try:
        outcomes = []
        for number in range(count):
            trial = BudgetTrial(forks, store, database_url, folder / f"{number}", f"{seed}:{number}")
            outcomes.append(trial.run(seconds))
            say(_line(outcomes[-1]))
    finally:
        forks.close()
        store.end()
    return _report(seed, outcomes, time.monotonic() - began)


def _line(outcome: BudgetOutcome) -> str:
    verdict, harms = outcome.verdict, ", ".join(f"{count} {name}" for name, count in sorted(outcome.harms.items()))
    said = f"{outcome.calls} calls left, over {verdict.over_nusd} n$, short {verdict.short_nusd} n$"
    first = f"trial {outcome.seed}: {harms}; {said}, quiet after {outcome.settled_s} s"
    return "\n".join([first, *(f"  BROKEN {wrong}" for wrong in [*verdict.differs, *verdict.broken])])


def _report(seed: int, outcomes: Sequence[BudgetOutcome], seconds: float) -> dict[str, Any]:
    harms: Counter[str] = sum((one.harms for one in outcomes), Counter())
    moments: Counter[str] = sum((one.moments for one in outcomes), Counter())
    verdicts = [one.verdict for one in outcomes]
    return {
        "seed": seed,
        "trials": len(outcomes),
        "kills": harms["kill"],
        "kills_by_moment": dict(sorted(moments.items())),
        "evictions": harms["evict"],
        "flushes": harms["flush"],
        "old_snapshots": harms["old"],
        "raises": harms["raise"],
        "calls": sum(one.calls for one in outcomes),
        "spent_nusd": sum(one.spent_nusd for one in outcomes),
        "over_cap_nusd": max(verdict.over_nusd for verdict in verdicts),
        "ledger_short_nusd": sum(verdict.short_nusd for verdict in verdicts),
        "charged_never_left_nusd": sum(verdict.unsent_nusd for verdict in verdicts),
        "redis_differs": sum(len(verdict.differs) for verdict in verdicts),
        "broken": sum(len(verdict.broken) for verdict in verdicts),
        "quiet_after_max_s": max(one.settled_s for one in outcomes),
        "seconds": round(seconds, 1),
        "met": all(verdict.kept for verdict in verdicts),
    }

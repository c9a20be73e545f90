"""Processes that make calls, and die; born by a fork from one process that has imported everything.

Each line of stdin is a birth: one JSON object with the fields of `Order`. Births and deaths are told as
lines of JSON on stdout. What left is written to the witness, a file outside of everything that is broken:
one line a call, before its answer is known, with what the vendor bills for it.
"""

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg  # noqa: F401 - loaded once, here; children inherit it
import redis

from bot import logs
from bot.budget import admission
from bot.budget.admission import Holds
from bot.budget.caps import Budgets
from bot.budget.metering import Meter, OverCap
from bot.budget.prices.pricing import Prices, Usage
from bot.budget.reservation import Charge, Reservation
from bot.budget.scripts import ACCOUNTS
from bot.errors import Transient
from bot.store import db
from bot.store.money import ledger, reviews, soft_cap_alerts
from bot.store.schema import Purpose
from tests.support import forked_children

TOKENS_A_CALL = 1_000
NUSD_A_TOKEN = 1_000
_THREADS = 4
MOMENTS: dict[str, tuple[Any, str]] = {
    "reserved": (ledger, "record"),
    "recorded": (Holds, "dispatch"),
    "answered": (ledger, "settle"),
    "settled": (Holds, "settle"),
    "reading": (Meter, "budget_state"),
    "passing": (soft_cap_alerts, "passed"),
    "asking": (reviews, "open_for"),
    "charged": (Holds, "expired"),
}
"What comes next when a process dies there."
PATIENCE_MS = 300
"With an opener that has died; the product's is longer than it takes to sum up a month."
DAWDLES, DAWDLE_SECONDS = 0.1, 0.03
LOSES, LOSSES = ("reserved", "reading", "settled"), 0.01
"Where an account is missed most, and how likely it is lost there."


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """One life."""

    part: str
    "customer or clock"
    seed: str
    odds: float
    "That it dies, at each moment that it comes by."
    folder: str
    "Prices, budgets; the witness and the list of the dead."
    redis: str
    database: str
    lease: float
    team: str
    channels: int
    users: int
    dear: bool
    "Every call costs what was set aside for it."


@dataclass(frozen=True, slots=True)
class _Life:
    order: CustomerOrder
    meter: Meter
    raw: Any
    "Redis itself."
    rng: Random

    def comes_by(self, moment: str) -> None:
        """Die here, if it is to be; or lose the accounts and dawdle, so that others come in between."""
        if moment in LOSES and self.rng.random() < LOSSES:
            self._lose()
        if self.rng.random() < DAWDLES:
            time.sleep(self.rng.random() * DAWDLE_SECONDS)
        if self.rng.random() < self.order.odds:
            _append(Path(self.order.folder) / "dead", moment)
            os.kill(os.getpid(), signal.SIGKILL)

    def _lose(self) -> None:
        """Evict every account, at a moment at which it matters."""
        with suppress(redis.RedisError):  # it is away
            accounts = [str(key) for key in self.raw.keys(f"{ACCOUNTS}*")]
            lost = self.raw.delete(*accounts) if accounts else 0
            _append(Path(self.order.folder) / "evicted", f"{lost}")
            time.sleep(DAWDLE_SECONDS)

    def shop(self, _: int) -> None:
        """Make call after call."""
        while True:
            try:
                reservation = self.meter.begin(self._charge(), model="coin", prompt_bytes=TOKENS_A_CALL, max_tokens=0)
            except (OverCap, Transient):
                time.sleep(0.01)
                continue
            self._call(reservation)

    def _call(self, reservation: Reservation) -> None:
        self.comes_by("admitted")
        chance = self.rng.random()
        if chance < 0.05:  # refused before it was taken: nothing is billed
            _tried(lambda: self.meter.void(reservation))
            return
        tokens = TOKENS_A_CALL if self.order.dear else self.rng.randint(1, TOKENS_A_CALL)
        _append(Path(self.order.folder) / "witness", f"{reservation.rid} {tokens * NUSD_A_TOKEN}")
        self.comes_by("left")
        time.sleep(self.rng.random() * 0.03)
        if chance > 0.97:  # the answer never comes
            return
        costs: list[int] = []
        twice = [
            threading.Thread(target=_tried, args=(lambda: costs.append(self._end(reservation, tokens)),))
            for _ in range(2 if chance > 0.8 else 1)
        ]
        for thread in twice:
            thread.start()
        for thread in twice:
            thread.join()
        if len(set(costs)) > 1:
            _append(Path(self.order.folder) / "broken", f"{reservation.rid} was settled at {costs}")

    def _end(self, reservation: Reservation, tokens: int) -> int:
        return self.meter.end(reservation, Usage("coin", tokens), tool=None)

    def tick(self) -> None:
        """Do what the clock does, again and again."""
        while True:
            for duty in (self.meter.sweep, self.meter.cap_events.look, self.meter.cap_events.apply_raises):
                _tried(duty)
            time.sleep(0.2)

    def _charge(self) -> Charge:
        team = self.order.team
        channel, user = self.rng.randrange(self.order.channels), self.rng.randrange(self.order.users)
        return Charge(team, f"C{team}{channel}", f"U{team}{user}", f"a{team}", "a@1", None, None, 0, Purpose.TURN)


def _tried(do: Callable[[], object]) -> None:
    try:
        do()
    except Transient:
        time.sleep(0.01)


def _append(file: Path, line: str) -> None:
    """Write a line in one piece, whoever else writes and whatever happens next."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def _live(order: CustomerOrder) -> None:
    """Become a process of the house, and never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        forked_children.end_with_parent()
        log = os.open(f"{order.folder}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        logs.configure("json")
        admission.OPENING_PATIENCE_MS = PATIENCE_MS
        folder = Path(order.folder)
        budgets, prices = Budgets.load(folder / "budgets.yaml"), Prices.load(folder / "pricing.yaml")
        database = db.connect(order.database)
        meter = Meter.connect(order.redis, database, lambda: budgets, prices, lease_seconds=order.lease)
        life = _Life(order, meter, redis.Redis.from_url(order.redis, decode_responses=True), Random(order.seed))
        for moment, (place, name) in MOMENTS.items():
            setattr(place, name, _deadly(life, moment, getattr(place, name)))
        if order.part == "clock":
            life.tick()
        for number in range(_THREADS):
            threading.Thread(target=life.shop, args=(number,)).start()
        signal.pause()
    except BaseException:  # noqa: BLE001 - nothing may come back into the forking process's own loop
        traceback.print_exc()
    finally:
        os._exit(1)


def _deadly(life: _Life, moment: str, do: Callable[..., Any]) -> Callable[..., Any]:
    def done(*args: Any, **kwargs: Any) -> Any:
        life.comes_by(moment)
        return do(*args, **kwargs)

    return done


def main() -> None:
    """Fork a child for each line until stdin ends; the children end with this process."""
    gc.collect()
    gc.freeze()  # keeps their memory shared
    signal.signal(signal.SIGCHLD, forked_children.bury)
    for line in sys.stdin:
        order = CustomerOrder(**json.loads(line))
        child = os.fork()
        if child == 0:
            _live(order)
        forked_children.say(born=child, part=order.part)


if __name__ == "__main__":
    main()

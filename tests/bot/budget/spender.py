"""A process that makes model calls, for tests that need many of them or kill one.

Called with one JSON object: folder (price and budget file), redis, database, threads, calls (a
thread), tokens (a call), used (tokens billed), lease (seconds), die (a step of `STEPS`, or null),
settle (a reservation that every thread ends, with another figure each, once the folder has a file `go`), result
(a file). Writes one JSON object into that file: how many calls were made, denied and failed, or the least and the
most that an end answered.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import logs
from bot.budget.admission import Holds
from bot.budget.caps import Budgets
from bot.budget.metering import Meter, NoRoom, OverCap
from bot.budget.prices.pricing import Prices, Usage
from bot.budget.reservation import Charge, Reservation
from bot.errors import Transient
from bot.store import db
from bot.store.money import ledger
from bot.store.schema import Purpose

CHARGE = Charge("T1", "C0HELP", "U1", "access", "access@1", None, None, 0, Purpose.TURN)

STEPS: dict[str, tuple[Any, str]] = {
    "reserved": (ledger, "record"),
    "recorded": (Holds, "dispatch"),
    "dispatched": (ledger, "settle"),
    "settled": (Holds, "settle"),
}
"What has just been done when the process dies, by the step that it dies in place of."


def main(order: dict[str, Any]) -> dict[str, int]:
    """Make the calls that were ordered."""
    folder = Path(order["folder"])
    database = db.connect(order["database"])
    budgets, prices = Budgets.load(folder / "budgets.yaml"), Prices.load(folder / "pricing.yaml")
    meter = Meter.connect(order["redis"], database, lambda: budgets, prices, lease_seconds=order["lease"])
    if step := order.get("die"):
        place, name = STEPS[step]
        setattr(place, name, _die)
    if once := order.get("settle"):
        Path(order["result"]).with_suffix(".ready").touch()
        while not (folder / "go").exists():  # all processes go together
            time.sleep(0.002)
        at = datetime.fromisoformat(once.pop("at"))
        caps = budgets.accounts(team=CHARGE.team, channel=CHARGE.channel, user=CHARGE.user, agent=CHARGE.agent, at=at)
        reservation = Reservation(at=at, caps=caps, charge=CHARGE, **once)
        used = range(order["used"], order["used"] + order["threads"])
        with ThreadPoolExecutor(order["threads"]) as pool:
            costs = list(pool.map(lambda n: meter.end(reservation, Usage("coin", n), tool=None), used))
        return {"least": min(costs), "most": max(costs)}
    with ThreadPoolExecutor(order["threads"]) as pool:
        counts = pool.map(lambda _: _spend(meter, order), range(order["threads"]))
        return dict(sum(counts, Counter[str]()))


def _spend(meter: Meter, order: dict[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _ in range(order["calls"]):
        try:
            reservation = meter.begin(CHARGE, model="coin", prompt_bytes=order["tokens"], max_tokens=0)
            meter.end(reservation, Usage("coin", input_tokens=order["used"]), tool=None)
            counts["made"] += 1
        except (OverCap, NoRoom):  # the cap says no, for what is spent or for what is held
            counts["denied"] += 1
        except Transient:
            counts["failed"] += 1
    return counts


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    logs.configure("json")
    ordered = json.loads(sys.argv[1])
    Path(ordered["result"]).write_text(json.dumps(main(ordered)), "utf-8")

"""Many calls at once through the product's own admission, each on a thread of its own.

Called with one JSON object: folder (prices and budget), redis, database, calls (at once), tokens (of each),
seconds (in flight). Prints `ready`, makes the calls when a line comes, prints one JSON object (made, denied,
failed, milliseconds of each begin and end), and is ready again; ends with stdin.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bot import logs
from bot.budget.caps import Budgets
from bot.budget.metering import Meter, NoRoom, OverCap
from bot.budget.prices.pricing import Prices, Usage
from bot.budget.reservation import Charge
from bot.errors import Transient
from bot.store import db
from bot.store.schema import Purpose

CHARGE = Charge("T1", "C0HELP", "U1", "access", "access@1", None, None, 0, Purpose.TURN)

Json = dict[str, Any]


def run(meter: Meter, order: Json) -> Json:
    """Make all calls at once."""
    results: Json = {"made": 0, "denied": 0, "failed": 0, "begin_ms": [], "end_ms": []}
    lock, start = threading.Lock(), threading.Barrier(order["calls"])

    def call() -> None:
        start.wait()
        took: Json = {}
        outcome = _call(meter, order, took)
        with lock:
            results[outcome] += 1
            for name, milliseconds in took.items():
                results[name].append(milliseconds)

    threads = [threading.Thread(target=call) for _ in range(order["calls"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _call(meter: Meter, order: Json, took: Json) -> str:
    began = time.perf_counter()
    try:
        reservation = meter.begin(CHARGE, model="coin", prompt_bytes=order["tokens"], max_tokens=0)
        took["begin_ms"] = (time.perf_counter() - began) * 1000
        time.sleep(order["seconds"])
        began = time.perf_counter()
        meter.end(reservation, Usage("coin", order["tokens"]), tool=None)
        took["end_ms"] = (time.perf_counter() - began) * 1000
    except (OverCap, NoRoom):
        return "denied"
    except Transient:
        return "failed"
    return "made"


def main(order: Json) -> None:
    """Make the calls whenever a line comes."""
    logs.configure("json")
    folder = Path(order["folder"])
    budgets, prices = Budgets.load(folder / "budgets.yaml"), Prices.load(folder / "pricing.yaml")
    meter = Meter.connect(order["redis"], db.connect(order["database"]), lambda: budgets, prices)
    _say("ready")
    for _ in sys.stdin:
        _say(json.dumps(run(meter, order)))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

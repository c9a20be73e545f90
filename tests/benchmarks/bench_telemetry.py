"""What metrics and traces cost: two workers on one queue, one with both on, one with both off, at the same time.

They play the same resets side by side, four model calls and two tools each, so that whatever else the machine does
meets both. After each round they are started anew with their roles changed. A collector takes the spans, and the
metrics are scraped every few seconds.
"""

import asyncio
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median

from sqlalchemy import func, select

from bot.sandbox.demo.processes import free_port
from bot.store.schema import Turn, TurnState
from tests.benchmarks import load, product_run
from tests.benchmarks.load import RESET
from tests.benchmarks.proc_stats import CpuClock
from tests.benchmarks.product_run import ProductRun, RunPlan
from tests.support.json_object import Json
from tests.support.otlp_receiver import OtlpReceiver, receiving

ROUNDS, SECONDS, WARM_UP_SECONDS = 6, 40.0, 8.0
"An even number of rounds, so that each worker has both roles equally often."
AT_ONCE, MODEL_SECONDS = 20, 0.5
SCRAPE_SECONDS = 5.0
TARGET_PERCENT = 3.0
OFF = {"DESKHAND_METRICS": "", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}


def run(say: Callable[[str], None], *, rounds: int = ROUNDS, seconds: float = SECONDS) -> Json:
    """Measure; CPU is in milliseconds a turn, of the worker's process alone."""
    pairs: list[tuple[float, float]] = []
    with product_run.postgres(say) as (url, _), receiving() as collector:
        for number in range(rounds):
            say(f"telemetry: round {number + 1} of {rounds}: two workers, one with metrics and traces")
            pairs.append(_round(url, collector, seconds=seconds, first_is_on=number % 2 == 0))
        spans = len(collector.spans)
    on, off = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    more = [round((with_it / without - 1) * 100, 2) for with_it, without in pairs]
    percent = round((on / off - 1) * 100, 2)
    return {
        "cpu_ms_on": round(on, 2),
        "cpu_ms_off": round(off, 2),
        "more_percent": percent,
        "more_percent_of_rounds": more,
        "more_percent_median": median(more),
        "spans_received": spans,
        "target_percent": TARGET_PERCENT,
        "met": percent <= TARGET_PERCENT and spans > 0,
    }


def _round(url: str, collector: OtlpReceiver, *, seconds: float, first_is_on: bool) -> tuple[float, float]:
    """Return the CPU of a turn with both on and with both off, in milliseconds."""
    port = free_port()
    on = {"DESKHAND_METRICS": f"127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    roles: tuple[Mapping[str, str], ...] = (on, OFF) if first_is_on else (OFF, on)
    plan = RunPlan(MODEL_SECONDS, workers=2, concurrency=AT_ONCE // 2, environments=roles)
    with tempfile.TemporaryDirectory() as name, product_run.product_opened(plan, url, Path(name)) as up:
        costs = asyncio.run(_measure(up, port, seconds))
        if others := up.other_ends():
            msg = "\n".join(("turns that ended in something else than a reply: another turn was measured", *others))
            raise RuntimeError(msg)
    return (costs[0], costs[1]) if first_is_on else (costs[1], costs[0])


async def _measure(up: ProductRun, port: int, seconds: float) -> list[float]:
    """Return what a turn costs each worker while both play, in milliseconds of CPU."""
    async with load.gathered(up) as people:
        await people.keep_asking(RESET, at_once=AT_ONCE, until=load.for_seconds(WARM_UP_SECONDS))
        scraping = asyncio.create_task(_scrape(port))
        pids = {name: up.pid(name) for name in up.workers}
        turns, before = _played(up), CpuClock.read(pids)
        await people.keep_asking(RESET, at_once=AT_ONCE, until=load.for_seconds(seconds))
        used, played = CpuClock.read(pids).since(before), _played(up)
        scraping.cancel()
    return [
        used[name]
        * 1000
        / (played.get(f"{socket.gethostname()}:{pid}", 0) - turns.get(f"{socket.gethostname()}:{pid}", 0))
        for name, pid in pids.items()
    ]


async def _scrape(port: int) -> None:
    """Scrape as Prometheus would, past any proxy."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        with suppress(urllib.error.URLError):
            answer = await asyncio.to_thread(direct.open, f"http://127.0.0.1:{port}/metrics", timeout=5)
            answer.close()
        await asyncio.sleep(SCRAPE_SECONDS)


def _played(up: ProductRun) -> dict[str, int]:
    """Return how many turns each worker has played to their end."""
    with up.database.read() as session:
        rows = session.execute(
            select(Turn.lease_owner, func.count()).where(Turn.state == TurnState.DONE).group_by(Turn.lease_owner)
        )
        return {str(worker): count for worker, count in rows}

"""Whether a worker grows: its memory after 1,000 turns and after 10,000, in one process that is never renewed."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import load, proc_stats, product_run
from tests.benchmarks.load import QUESTION, RESET, Crowd
from tests.benchmarks.product_run import ProductRun, RunPlan
from tests.support.json_object import Json

TURNS = int(os.environ.get("DESKHAND_BENCH_TURNS", "10000"))
SETTLED = TURNS // 10
"Turns after which a worker has everything it will ever need."
AT_ONCE = 40
TARGET_GROWTH = 0.05


def run(say: Callable[[str], None]) -> Json:
    """Measure; memory is in MiB."""
    with (
        product_run.postgres(say) as (url, _),
        tempfile.TemporaryDirectory() as name,
        product_run.product_opened(RunPlan(model_seconds=0.0, people=TURNS + AT_ONCE), url, Path(name)) as up,
    ):
        return asyncio.run(_play(up, say))


async def _play(up: ProductRun, say: Callable[[str], None]) -> Json:
    worker, seen, began = up.pid(up.workers[0]), list[float](), time.monotonic()
    async with load.gathered(up) as people:
        for part in range(TURNS // SETTLED):
            await _until(people, part * SETTLED + SETTLED // 10, RESET)  # with tools, which need memory of their own
            await _until(people, (part + 1) * SETTLED, QUESTION)
            await asyncio.sleep(0.5)
            seen.append(round(proc_stats.rss_mib(worker), 1))
            say(f"memory: {people.numbers} turns, {time.monotonic() - began:.0f} s: {seen[-1]} MiB")
        lost, doubled, turns = people.lost, people.doubled(), people.numbers
    not_answered = up.not_answered()
    growth = seen[-1] / seen[0] - 1
    return {
        "turns": turns,
        "rss_mib": seen,
        "rss_settled_mib": seen[0],
        "rss_end_mib": seen[-1],
        "growth": round(growth, 4),
        "lost": lost,
        "doubled": doubled,
        "not_answered": not_answered,
        "turns_per_s": round(turns / (time.monotonic() - began), 1),
        "target_growth": TARGET_GROWTH,
        "met": growth <= TARGET_GROWTH and not lost + doubled + not_answered,
    }


async def _until(people: Crowd, turns: int, text: str) -> None:
    await people.keep_asking(text, at_once=AT_ONCE, until=lambda: people.numbers >= turns)

"""How many turns wait in a GiB, and what the queue costs: our thread worker, RQ's fork worker, and other queues.

First whole turns: real people, a model that takes two seconds a call, four calls and two tools a turn, and as
many in flight as one process takes. Memory is the proportional set size (Pss) of the worker and its children.
Then the same wait job through every queue (`contest`).
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from bot.store.schema import Turn
from tests.benchmarks import load, proc_stats, product_run, queue_comparison
from tests.benchmarks.load import RESET, Crowd
from tests.benchmarks.product_run import ProductRun, RunPlan
from tests.benchmarks.queue_comparison import GIB
from tests.support.json_object import Json

MODEL_SECONDS = 2.0
THREADS, FORKS = 100, 4
SECONDS, WARM_UP_SECONDS = 40.0, 12.0
LOOK_SECONDS = 1.0
TARGET_PER_GIB, TARGET_TIMES_FORK = 600.0, 60.0


@dataclass(frozen=True, slots=True)
class _Look:
    """The workers at one moment."""

    in_flight: int
    pss_mib: float


def run(say: Callable[[str], None]) -> Json:
    """Measure; memory is in MiB."""
    with product_run.postgres(say) as (url, _):
        say(f"worker: {THREADS} whole turns in flight in one process for {SECONDS:.0f} s")
        threads = _whole_turns(RunPlan(MODEL_SECONDS, concurrency=THREADS), url, at_once=THREADS + 20)
        say(f"worker: the same turns, {FORKS} fork workers of RQ's own")
        plan = RunPlan(MODEL_SECONDS, workers=FORKS, worker="tests.benchmarks.fork_worker")
        forks = _whole_turns(plan, url, at_once=FORKS + 2)
    peers = {peer.name: queue_comparison.run(peer, say) for peer in queue_comparison.peers()}
    ours = peers[queue_comparison.OURS]
    times = round(threads["in_flight_per_gib"] / forks["in_flight_per_gib"], 1)
    lost, doubled = threads["lost"] + ours["lost"], threads["doubled"] + ours["doubled"]
    return {
        "in_flight_per_gib": threads["in_flight_per_gib"],
        "in_flight_per_gib_rq_fork": forks["in_flight_per_gib"],
        "times_rq_fork": times,
        "jobs_per_s": ours["jobs_per_s"],
        "cpu_ms_per_job": ours["cpu_ms_per_job"],
        "enqueue_to_start_p99_ms": ours["enqueue_to_start_p99_ms"],
        "lost": lost,
        "doubled": doubled,
        "whole_turns": threads,
        "whole_turns_rq_fork": forks,
        "wait_jobs": peers,
        "target_in_flight_per_gib": TARGET_PER_GIB,
        "target_times_rq_fork": TARGET_TIMES_FORK,
        "met": threads["in_flight_per_gib"] >= TARGET_PER_GIB
        and times >= TARGET_TIMES_FORK
        and not lost + doubled + threads["not_answered"],
    }


def _whole_turns(plan: RunPlan, url: str, *, at_once: int) -> Json:
    """Keep workers full of turns and weigh them meanwhile."""
    with tempfile.TemporaryDirectory() as name, product_run.product_opened(plan, url, Path(name)) as up:
        return asyncio.run(_play(up, at_once))


async def _play(up: ProductRun, at_once: int) -> Json:
    pids = [up.pid(worker) for worker in up.workers]
    async with load.gathered(up) as people:
        asking = asyncio.create_task(_ask(people, at_once))
        await asyncio.sleep(WARM_UP_SECONDS)
        began, before, first = time.monotonic(), _cpu(pids), len(people.answers)
        looks = []
        while time.monotonic() < began + SECONDS:
            looks.append(await asyncio.to_thread(_look, up, pids))
            await asyncio.sleep(LOOK_SECONDS)
        seconds, answered, used = time.monotonic() - began, len(people.answers) - first, _cpu(pids) - before
        await asking
        await asyncio.sleep(1)  # a double would show by now
        return {
            **_density(looks),
            "turns_per_s": round(answered / seconds, 1),
            "cpu_ms_per_turn": round(used / answered * 1000, 1) if answered else None,
            "turns": people.numbers,
            "lost": people.lost,
            "doubled": people.doubled(),
            "not_answered": up.not_answered(),
        }


async def _ask(people: Crowd, at_once: int) -> None:
    end = load.for_seconds(WARM_UP_SECONDS + SECONDS)
    await people.keep_asking(RESET, at_once=at_once, until=end, over_seconds=4 * MODEL_SECONDS)


def _look(up: ProductRun, pids: Sequence[int]) -> _Look:
    with up.database.read() as session:
        running = session.scalars(select(func.count()).select_from(Turn).where(Turn.state == "running")).one()
    return _Look(running, sum(proc_stats.pss_mib(pid) for pid in pids))


def _density(looks: Sequence[_Look]) -> Json:
    """Divide the most turns that were in flight at once by the most memory that there ever was."""
    in_flight, pss_mib = max(look.in_flight for look in looks), max(look.pss_mib for look in looks)
    return {
        "in_flight": in_flight,
        "pss_mib": round(pss_mib, 1),
        "in_flight_per_gib": round(in_flight / (pss_mib / GIB), 1),
    }


def _cpu(pids: Sequence[int]) -> float:
    return sum(proc_stats.cpu_seconds(pid) for pid in pids)

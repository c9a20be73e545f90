"""What a turn adds to the model's own time, and how many turns a machine carries.

Added is what is left of the time between the question and the answer in Slack when the model's own time is
taken away (see `outside`): the web door, the queue, the worker, PostgreSQL and both of Slack's sides, the
local workspace's own work too, which shares the two cores. Beside it, in the same run, a plain Bolt and
Anthropic agent that does it all in its listener (`plain_agent`).
"""

import asyncio
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.store.schema import InboxEvent
from tests.benchmarks import load, product_run, watched
from tests.benchmarks.load import QUESTION, RESET, Crowd, LoadRequest
from tests.benchmarks.proc_stats import CpuClock
from tests.benchmarks.product_run import ProductRun, RunPlan
from tests.e2e.product_processes import direct
from tests.support.json_object import Json

IN_FLIGHT, SECONDS, WARM_UP_SECONDS = 10, 25.0, 4.0
MODEL_SECONDS = 2.0
SATURATED, SATURATED_MODEL_SECONDS = 80, 0.5
"So many ask at once, of a quick model, that both cores are full."
TARGET_P50_MS, TARGET_P99_MS = 60.0, 250.0


@dataclass(frozen=True, slots=True)
class _Bot:
    """Whom the crowd asks."""

    name: str
    say: Callable[[str], None]
    url: str
    postgres: int
    "Its process number."

    def plan(self, **more: Any) -> RunPlan:
        return RunPlan(**more) if self.name == "deskhand" else RunPlan(**more, bot="tests.benchmarks.plain_agent")


def run(say: Callable[[str], None]) -> Json:
    """Measure both; the result is in milliseconds unless a name says otherwise."""
    with product_run.postgres(say) as (url, pid):
        deskhand, plain = _Bot("deskhand", say, url, pid), _Bot("plain", say, url, pid)
        ours = {**_unhurried(deskhand), **_saturated(deskhand, workers=2), "steps": _steps(deskhand)}
        theirs = {**_unhurried(plain), **_saturated(plain, workers=1)}
    return {
        **ours,
        "in_flight": IN_FLIGHT,
        "model_seconds": MODEL_SECONDS,
        "plain_bolt": theirs,
        "p50_ratio": round(ours["added_p50_ms"] / theirs["added_p50_ms"], 2),
        "target_p50_ms": TARGET_P50_MS,
        "target_p99_ms": TARGET_P99_MS,
        "met": ours["added_p50_ms"] <= TARGET_P50_MS
        and ours["added_p99_ms"] <= TARGET_P99_MS
        and not ours["lost"] + ours["doubled"] + ours["not_answered"],
    }


def _unhurried(bot: _Bot) -> Json:
    """Measure ten in flight: a question that is one call of the model, and a reset that is four and two tools."""
    with (
        tempfile.TemporaryDirectory() as name,
        product_run.product_opened(bot.plan(model_seconds=MODEL_SECONDS), bot.url, Path(name)) as up,
    ):

        async def both() -> Json:
            async with load.gathered(up) as people:
                await _ask(people, QUESTION, WARM_UP_SECONDS)
                bot.say(f"turn: {bot.name}: {IN_FLIGHT} at once ask a question of one call for {SECONDS:.0f} s")
                before = CpuClock.read(_pids(up, bot))
                began = product_run.committed(up.database)
                question = await _ask(people, QUESTION, SECONDS)
                asked = product_run.committed(up.database)
                used = CpuClock.read(_pids(up, bot)).since(before)
                bot.say(f"turn: {bot.name}: {IN_FLIGHT} at once ask for a reset, four calls and two tools")
                reset = await _ask(people, RESET, SECONDS)
                await asyncio.sleep(1)
                ended = product_run.committed(up.database)
                spent = direct(f"{up.site.address('model')}spent")
                return {
                    **_added(question, spent, committed=asked - began),
                    "cpu_ms_per_turn": {part: round(s / len(question) * 1000, 1) for part, s in used.items()},
                    "reset": _added(reset, spent, committed=ended - asked),
                    "lost": people.lost,
                    "doubled": people.doubled(),
                    "not_answered": up.not_answered(),
                }

        return asyncio.run(both())


def _saturated(bot: _Bot, *, workers: int) -> Json:
    """Measure how many turns a second are answered when more is asked than two cores can do."""
    plan = bot.plan(model_seconds=SATURATED_MODEL_SECONDS, workers=workers)
    with tempfile.TemporaryDirectory() as name, product_run.product_opened(plan, bot.url, Path(name)) as up:

        async def many() -> Json:
            async with load.gathered(up) as people:
                await _ask(people, QUESTION, WARM_UP_SECONDS, at_once=SATURATED)
                bot.say(f"turn: {bot.name}: {SATURATED} at once, until the cores are full")
                began, before = time.monotonic(), CpuClock.read(_pids(up, bot))
                asked = await _ask(people, QUESTION, SECONDS, at_once=SATURATED)
                seconds, used = time.monotonic() - began, CpuClock.read(_pids(up, bot)).since(before)
                return {
                    "turns_per_s": round(len(asked) / seconds, 1),
                    "cores_used": {part: round(s / seconds, 2) for part, s in used.items()},
                }

        return asyncio.run(many())


def _steps(bot: _Bot) -> Json:
    """Measure the parts of a turn, in a worker that is watched."""
    with tempfile.TemporaryDirectory() as name:
        spans = Path(name) / "spans.jsonl"
        os.environ[watched.SPANS] = str(spans)
        plan = bot.plan(model_seconds=MODEL_SECONDS, worker="tests.benchmarks.watched")
        with product_run.product_opened(plan, bot.url, Path(name)) as up:

            async def watch() -> None:
                async with load.gathered(up) as people:
                    bot.say("turn: the same question again, each part of the turn timed")
                    await _ask(people, QUESTION, SECONDS)

            asyncio.run(watch())
            waits = _waits(up)
        turns = [json.loads(line) for line in spans.read_text(encoding="utf-8").splitlines()]
    for turn in turns:
        stored, asked = waits[turn["turn"]]
        turn["spans"][:0] = [
            ["slack to row", (stored - asked) * 1000, 0.0],
            ["queue", (turn["at"] - stored) * 1000, 0.0],
        ]
        turn["ms"] += (turn["at"] - asked) * 1000
    return _breakdown(turns[IN_FLIGHT:])


def _waits(up: ProductRun) -> dict[int, tuple[float, float]]:
    """Return, by turn, when its message was stored and when it was said, in seconds."""
    with up.database.read() as session:
        rows = session.execute(select(InboxEvent.turn_id, InboxEvent.received_at, InboxEvent.ts))
        return {turn: (stored.timestamp(), float(ts)) for turn, stored, ts in rows if turn is not None and ts}


async def _ask(people: Crowd, text: str, seconds: float, *, at_once: int = IN_FLIGHT) -> list[LoadRequest]:
    return await people.keep_asking(
        text, at_once=at_once, until=load.for_seconds(seconds), over_seconds=min(seconds / 2, MODEL_SECONDS)
    )


def _pids(up: ProductRun, bot: _Bot) -> dict[str, int]:
    return {**up.pids(), "postgres": bot.postgres}


def _added(asked: Sequence[LoadRequest], spent: dict[str, list[float]], *, committed: int) -> Json:
    calls = {len(spent[str(one.number)]) for one in asked}
    return {
        **_figures("added", [one.took_ms - sum(spent[str(one.number)]) for one in asked]),
        "turns": len(asked),
        "transactions": round(committed / len(asked), 1),
        "model_calls_per_turn": max(calls),
    }


def _breakdown(turns: Sequence[Json]) -> Json:
    """Return each part of a turn in the order in which it comes: wall time, and CPU time of the turn's thread."""
    wall, cpu, times = defaultdict[str, list[float]](list), defaultdict[str, float](float), defaultdict[str, int](int)
    for turn in turns:
        per: dict[str, float] = defaultdict(float)
        for name, ms, computed in turn["spans"]:
            per[name] += ms
            cpu[name] += computed
            times[name] += 1
        per["between"] = turn["ms"] - sum(per.values())
        cpu["between"] += turn["cpu_ms"] - sum(computed for _, _, computed in turn["spans"])
        for name, ms in per.items():
            wall[name].append(ms)
    return {
        name: {
            **_figures("", took),
            "cpu_ms": round(cpu[name] / len(turns), 2),
            "times": round(times[name] / len(turns), 1),
        }
        for name, took in wall.items()
    }


def _figures(name: str, took: Sequence[float]) -> dict[str, float]:
    ordered, prefix = sorted(took), f"{name}_" if name else ""
    return {
        f"{prefix}p50_ms": round(ordered[len(ordered) // 2], 1),
        f"{prefix}p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
    }

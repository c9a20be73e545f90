"""A worker that keeps how long each part of a turn took: what `bench_turn` reads its breakdown from.

    python -m tests.benchmarks.watched

The parts are the seams of the house: each transaction (by the function that opens it), each Slack call,
each call of the model, each Redis command. Nothing in the product knows; what is watched costs some
microseconds more, so no figure but the breakdown is taken from here.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from bot.agent import model
from bot.agent.model import CallModel, Completion, Prompt
from bot.slack.api import client as slack
from bot.store.db import Database, Session
from jobs import turn, worker

SPANS = "DESKHAND_BENCH_SPANS"
"Names the file that a line is written to for each turn."

Span = tuple[str, float, float]
"Name, milliseconds, and those of them that this thread computed."


class _Turn(threading.local):
    """What this thread's turn has spent so far."""

    spans: list[Span] | None = None
    depth: int = 0


_turn = _Turn()


@contextmanager
def part(name: str) -> Iterator[None]:
    """Count the block as one part of the turn, unless it is inside of another part."""
    if _turn.spans is None or _turn.depth:
        yield
        return
    began, computed, _turn.depth = time.perf_counter(), time.thread_time(), 1
    try:
        yield
    finally:
        _turn.depth = 0
        took = time.perf_counter() - began, time.thread_time() - computed
        _turn.spans.append((name, took[0] * 1000, took[1] * 1000))


def watch_events() -> None:
    """Put a clock around every seam."""
    for kind in ("read", "write"):
        setattr(Database, kind, _transaction(kind, getattr(Database, kind)))
    slack.call = _slack_call(slack.call)
    model.connect = _model(model.connect)
    redis.Redis.execute_command = _redis_command(redis.Redis.execute_command)  # type: ignore[method-assign]
    setattr(turn, "run_turn", _run_turn(turn.run_turn))  # noqa: B010 - its parameter has a name that the type has not


def _transaction(kind: str, real: Callable[[Database], Any]) -> Callable[[Database], Any]:
    @contextmanager
    def transaction(self: Database) -> Iterator[Session]:
        caller = sys._getframe(2).f_code
        with part(f"{kind} {Path(caller.co_filename).stem}.{caller.co_name}"), real(self) as session:
            yield session

    return transaction


def _slack_call(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(method: Any, **arguments: Any) -> Any:
        status = f" {arguments['status']}" if "status" in arguments else ""
        with part(f"slack {method.__name__}{status}"):
            return real(method, **arguments)

    return call


def _model(real: Callable[..., CallModel]) -> Callable[..., CallModel]:
    def connect(**how: Any) -> CallModel:
        call_real = real(**how)

        def call(prompt: Prompt) -> Completion:
            with part("model"):
                return call_real(prompt)

        return call

    return connect


def _redis_command(real: Callable[..., Any]) -> Callable[..., Any]:
    def execute(self: Any, *words: Any, **options: Any) -> Any:
        with part(f"redis {words[0]}"):
            return real(self, *words, **options)

    return execute


def _run_turn(real: Callable[[int], None]) -> Callable[[int], None]:
    def run_turn(turn_id: int) -> None:
        _turn.spans, began, computed, at = [], time.perf_counter(), time.thread_time(), time.time()
        try:
            real(turn_id)
        finally:
            spans, _turn.spans = _turn.spans, None
            whole = (time.perf_counter() - began) * 1000
            cpu = (time.thread_time() - computed) * 1000
            line = {"turn": turn_id, "at": at, "ms": whole, "cpu_ms": cpu, "spans": spans}
            with Path(os.environ[SPANS]).open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(line)}\n")

    return run_turn


if __name__ == "__main__":
    watch_events()
    sys.exit(worker.main())

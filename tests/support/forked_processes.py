"""Processes of ours without the seconds that Python needs to import them: forked from one that has imported everything.

`start(["jobs.worker"], ...)` is `python -m jobs.worker`: a process like any other, with its own memory, connections
and death. What must prove the real command starts that instead (`tests/e2e/test_tour.py` does so with the demo).
"""

import atexit
import gc
import importlib
import json
import os
import queue
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, NoReturn, Self, cast

from bot import private
from bot.cli import root
from bot.sandbox.demo.processes import Program, Supervisor
from tests.support import forked_children, shortcuts
from tests.support.paths import ROOT

_LOADED = (
    *("anthropic", "anthropic.resources.messages", "psycopg", "uvicorn.lifespan.on", "uvicorn.loops.auto"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "bot.cli.processes", "bot.web.socket"),
    *(
        "bot.sandbox.demo.entrypoints",
        "bot.sandbox.demo.serve",
        "bot.sandbox.standin",
        "jobs.clock",
        "jobs.commands",
        "jobs.evaluate",
        "jobs.evaluation",
        "jobs.rerouting",
    ),
    *("jobs.hearing", "jobs.turn", "jobs.worker", "tests.e2e.workspace_process", "tests.support.worker_main"),
)
"What children import, some of it only when they need it."

_ONE = threading.Lock()
"Held while the server is started, which many threads may ask for at once."


class Forked:
    """A process, with what the tests use of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: BinaryIO | None = None
        "What it says, where that is read and not kept in a file."
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Wait until it has ended."""
        if self.stdout is not None:
            self.stdout.close()
        self.wait()

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
    with _ONE:
        server = _server()
    order = {"module": module, "environment": dict(environment), "folder": str(Path.cwd()), "apart": apart}
    return server.start(order, output)


def _start_apart(module: Sequence[str], environment: Mapping[str, str], output: IO[Any] | int) -> Forked:
    return start(module, environment, output=output, apart=True)


def _start_heard(module: Sequence[str], environment: Mapping[str, str], _output: int) -> Forked:
    """Start a module whose output is read from here."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as output:
        forked = _start_apart(module, environment, output)
    forked.stdout = os.fdopen(reading, "rb")
    return forked


class _Server:
    """The process that forks, and who has been forked."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forked_processes"],
            stdin=theirs.fileno(),
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        theirs.close()
        self._lock = threading.Lock()
        self._living: dict[int, Forked] = {}
        self._born: queue.Queue[Forked] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        atexit.register(self._close)

    def start(self, order: Mapping[str, Any], output: IO[Any] | int) -> Forked:
        body = json.dumps(order).encode()
        with self._lock:
            descriptor = output if isinstance(output, int) else output.fileno()
            socket.send_fds(self._socket, [len(body).to_bytes(4, "big")], [descriptor])
            self._socket.sendall(body)
            return self._born.get(timeout=300)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            told = json.loads(line)
            if "born" in told:
                forked = self._living[told["born"]] = Forked(told["born"])
                self._born.put(forked)
            else:
                self._living.pop(told["died"]).end(told["code"])

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def _server() -> _Server:
    return _Server()


def main() -> None:
    """Fork a child for each order until the tests have ended; the children end with this process."""
    for name in _LOADED:
        importlib.import_module(name)
    shortcuts.leave_the_disk_behind()
    root.become = _become
    gc.collect()
    gc.freeze()  # keeps their memory shared
    signal.signal(signal.SIGCHLD, forked_children.bury)
    with socket.socket(fileno=0) as orders:
        while True:
            size, descriptors, _, _ = socket.recv_fds(orders, 4, 1)
            if not size:
                return
            [output] = descriptors
            order = json.loads(orders.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # its birth is told before its death
            child = os.fork()
            if child == 0:
                _live(order, output)
            os.close(output)
            forked_children.say(born=child)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def _live(order: Mapping[str, Any], output: int) -> NoReturn:
    """Become what was ordered, and never return."""
    code: int = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        forked_children.end_with_parent()
        if order["apart"]:
            os.setpgid(0, 0)
            os.umask(private.UMASK)
        _speak_into(output)
        os.environ.clear()
        os.environ.update(order["environment"])
        time.tzset()
        os.chdir(order["folder"])
        code = _code(lambda: _run(*order["module"]))
        threading._shutdown()  # type: ignore[attr-defined]  # waits, as the end of Python does
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - nothing may come back into the loop above
        traceback.print_exc()
    finally:
        os._exit(code)


def _run(module: str, *arguments: str) -> None:
    sys.argv = [module, *arguments]
    if module in _LOADED:  # a package stays: what is run of it is its `__main__`
        sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _become(module: str, *arguments: str) -> NoReturn:
    """Go on as another module, as a command does that replaces its process, without another Python."""
    _run(module, *arguments)
    sys.exit()


def _speak_into(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, place)
    os.close(nothing)
    os.close(output)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lasts as long as the process
    cast("Any", sys.stdout).reconfigure(line_buffering=True)


def _code(run: Callable[[], object]) -> int:
    """Return what a program that has ended would have as its exit code."""
    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    return 0


if __name__ == "__main__":
    main()

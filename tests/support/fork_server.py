"""The process from which processes of ours are forked: it has imported everything, and serves all that run tests.

python -m tests.support.fork_server LISTENER ADDRESS

LISTENER is the number of a socket that listens at ADDRESS. An empty line tells each who connects that it is ready; each
order is answered by the birth of a child, a line of JSON, and its death is told when it comes. The children of somebody
who goes away are killed; this process ends with the last of those who have connected.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, cast

from sqlalchemy.orm import configure_mappers

from bot import private
from bot.agent import card
from bot.agent.redaction import redact
from bot.cli import root
from bot.network import Network
from tests.support import forked_children, shortcuts
from tests.support.paths import CONFIG

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
_PATIENCE = 300.0
"Seconds that it waits for whoever started it, who may have died."


class ForkServer:
    """Those who may give orders, and the children of each."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._children: dict[socket.socket, set[int]] = {}
        self._woken, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)

    def serve(self) -> None:
        """Fork a child for each order until all who have connected are gone."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # it only wakes the wait below
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        self._welcome()
        while self._children:
            ready, _, _ = select.select([self._listener, self._woken, *self._children], [], [])
            for one in ready:
                if one is self._listener:
                    self._welcome()
                elif one is self._woken:
                    self._woken.recv(4096)
                    self._bury()
                else:
                    self._obey(one)

    def _welcome(self) -> None:
        client, _ = self._listener.accept()
        self._children[client] = set()
        _say(client, "")

    def _obey(self, client: socket.socket) -> None:
        try:
            size, descriptors, _, _ = socket.recv_fds(client, 4, 3)
        except ConnectionError:
            size, descriptors = b"", []
        if not size:
            for child in self._children.pop(client):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            client.close()
            return
        order = json.loads(client.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            for ours in (self._listener, self._woken, self._wakes, *self._children):
                ours.close()
            _live(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._children[client].add(child)
        _say(client, json.dumps({"born": child}))

    def _bury(self) -> None:
        for client, child, code in self._dead():
            self._children[client].discard(child)
            _say(client, json.dumps({"died": child, "code": code}))

    def _dead(self) -> list[tuple[socket.socket, int, int]]:
        """Return whose children have ended, and how; nobody asks any more about those of somebody who is gone."""
        dead: list[tuple[socket.socket, int, int]] = []
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return dead
            if child == 0:
                return dead
            code = os.waitstatus_to_exitcode(status)
            dead += [(client, child, code) for client, theirs in self._children.items() if child in theirs]


def _say(client: socket.socket, line: str) -> None:
    with suppress(ConnectionError):  # the next look at it finds that it is gone
        client.sendall(f"{line}\n".encode())


def _live(order: Mapping[str, Any], descriptors: list[int]) -> NoReturn:
    """Become what was ordered, and never return."""
    code: int = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs beside it deaf to Ctrl-C
        forked_children.end_with_parent()
        if order["apart"]:
            os.setpgid(0, 0)
            os.umask(private.UMASK)
        _use(descriptors)
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


def _use(descriptors: list[int]) -> None:
    """Take what was sent as standard input, output and errors."""
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
    for descriptor in descriptors:
        os.close(descriptor)
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


def _rehearse() -> None:
    """Do once what every process does at its start or soon after: patterns and certificates would take most of it."""
    card.load_all(CONFIG)
    redact("")
    Network.read(os.environ).certificates()
    configure_mappers()


def main() -> None:
    """Import everything, then serve."""
    listener, address = sys.argv[1:]
    shortcuts.take_before_collection()
    for name in _LOADED:
        importlib.import_module(name)
    shortcuts.take_for_processes()
    _rehearse()
    root.become = _become
    gc.collect()
    gc.freeze()  # keeps their memory shared
    with socket.socket(fileno=int(listener)) as listening:
        listening.settimeout(_PATIENCE)
        try:
            ForkServer(listening).serve()
        finally:
            Path(address).unlink(missing_ok=True)


if __name__ == "__main__":
    main()

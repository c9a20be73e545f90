"""Runs the tests in several processes, which are forked of the one that has collected them.

Each takes one piece of work after the other: the pipe that they read the numbers of pieces from is the queue. Were
they started by pytest-xdist, each would import and collect everything again, which takes eight seconds of CPU.
"""

import mmap
import multiprocessing
import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

Pieces = Sequence[Sequence[pytest.Item]]
"What is run together in one process, in the order in which it begins."

_FORK = multiprocessing.get_context("fork")
_NUMBER = 2
"Bytes of a piece's number in the queue: a read of so few returns all of them."
_NOT_THEIRS = ("terminalreporter", "terminalprogress")
"Plugins that print what the first process prints already."


@dataclass(frozen=True)
class _Work:
    """What a process is forked with."""

    session: pytest.Session
    pieces: Pieces
    queue: int
    stop: mmap.mmap
    told: Connection
    folder: str


class _Teller:
    """Tells the first process what happens to the tests of this one."""

    def __init__(self, config: pytest.Config, told: Connection) -> None:
        self._config, self._told = config, told

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._told.send(("pytest_runtest_logstart", {"nodeid": nodeid, "location": location}))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._told.send(("pytest_runtest_logreport", data))

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._told.send(("pytest_runtest_logfinish", {"nodeid": nodeid, "location": location}))


def run(session: pytest.Session, pieces: Pieces, *, processes: int) -> None:
    """Run all pieces of work, each in one of several processes, and report their tests as if they had run here.

    Raises:
        Failed: When enough tests have failed (`-x`, `--maxfail`), or when a process has died.
        Interrupted: When a test has asked for the end of the session.
    """
    queue, fill = os.pipe()
    os.write(fill, b"".join(number.to_bytes(_NUMBER, "big") for number in range(len(pieces))))
    os.close(fill)
    stop = mmap.mmap(-1, 1)  # shared with those that are forked
    terminal: Any = session.config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        terminal.showfspath = False  # the reports of several files come mixed
    base = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    running: dict[Connection, BaseProcess] = {}
    try:
        for number in range(min(processes, len(pieces))):
            hears, told = _FORK.Pipe(duplex=False)
            work = _Work(session, pieces, queue, stop, told, str(base / str(number)))
            process: BaseProcess = _FORK.Process(target=_work, args=(work, [hears, *running]))
            process.start()
            told.close()
            running[hears] = process
        _listen(session, dict(running), stop)
    finally:
        stop[0] = 1
        os.close(queue)
        for hears, process in running.items():
            hears.close()
            process.join()


def _listen(session: pytest.Session, running: dict[Connection, BaseProcess], stop: mmap.mmap) -> None:
    last = dict.fromkeys(running, "no test")
    while running:
        for ready in wait(list(running)):
            assert isinstance(ready, Connection)
            try:
                what, data = ready.recv()
            except (EOFError, OSError):
                running.pop(ready).join()
                session.shouldfail = f"A process of the tests died in {last[ready]}"
            else:
                if what == "end":
                    running.pop(ready)
                    if data and not session.shouldstop:
                        session.shouldstop = data
                else:
                    last[ready] = data["nodeid"]
                    _report(session.config, what, data)
            if session.shouldfail or session.shouldstop:
                stop[0] = 1
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)


def _report(config: pytest.Config, what: str, data: dict[str, Any]) -> None:
    if what == "pytest_runtest_logreport":
        data = {"report": config.hook.pytest_report_from_serializable(config=config, data=data)}
    getattr(config.hook, what)(**data)


def _work(work: _Work, of_others: Sequence[Connection]) -> None:
    """Run pieces of work in a process of its own until the queue is empty."""
    for one in of_others:
        one.close()  # so that every process notices when the first one has died
    config, session = work.session.config, work.session
    _capture_anew(config)
    for name in _NOT_THEIRS:
        if config.pluginmanager.has_plugin(name):
            config.pluginmanager.unregister(name=name)
    config.pluginmanager.register(_Teller(config, work.told))
    os.mkdir(work.folder, 0o700)  # noqa: PTH102 - as pytest's own
    factory = config._tmp_path_factory  # type: ignore[attr-defined]
    factory._basetemp = factory.getbasetemp() / os.path.basename(work.folder)  # noqa: PTH119
    reason: object = False
    try:
        _run_all(work)
        reason = session.shouldstop
    except KeyboardInterrupt:
        reason = "interrupted"
    except BrokenPipeError:
        pass
    except BaseException:  # noqa: BLE001 - the first process tells of it
        reason = traceback.format_exc()
    finally:
        session._setupstate.teardown_exact(None)
    with suppress(BrokenPipeError):  # the first process was interrupted, too
        work.told.send(("end", reason))
    work.told.close()


def _run_all(work: _Work) -> None:
    items = _items(work.pieces, work.queue)
    item = next(items, None)
    while item is not None and not (work.stop[0] or work.session.shouldfail or work.session.shouldstop):
        following = next(items, None)  # which decides what is taken down after this one
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following


def _items(pieces: Pieces, queue: int) -> Iterator[pytest.Item]:
    while number := os.read(queue, _NUMBER):
        yield from pieces[int.from_bytes(number, "big")]


def _capture_anew(config: pytest.Config) -> None:
    """Capture what tests print in files of this process's own."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()

"""Checks that run side by side, so that one that hangs delays neither the others nor the caller.

A check that has not finished is not started again: one that hangs costs one thread in all, not one per call.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")


class ConcurrentChecks(Generic[Result]):
    """Some checks, by name."""

    def __init__(self, checks: Mapping[str, Callable[[], Result]]) -> None:
        self._checks = checks
        self._running: dict[str, Future[Result]] = {}
        self._lock = Lock()

    def results(self, *, seconds: float) -> dict[str, Result | Exception]:
        """Run all of them, and return what each returned or raised within `seconds`.

        A check that has not finished by then gets a `TimeoutError`.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            running = {name: self._start(name) for name in self._checks}
        return {name: self._result(one, deadline - time.monotonic()) for name, one in running.items()}

    def _start(self, name: str) -> Future[Result]:
        unfinished = self._running.get(name)
        if unfinished is not None and not unfinished.done():
            return unfinished
        future = self._running[name] = Future()
        # A daemon thread, so that the process can end while a check hangs.
        Thread(target=_run, args=(self._checks[name], future), name=f"check-{name}", daemon=True).start()
        return future

    @staticmethod
    def _result(future: Future[Result], seconds: float) -> Result | Exception:
        try:
            return future.result(max(0.0, seconds))
        except Exception as error:  # noqa: BLE001 - what a check raised is its result
            return error


def _run(check: Callable[[], Result], future: Future[Result]) -> None:
    try:
        future.set_result(check())
    except Exception as error:  # noqa: BLE001 - the caller gets it, whatever it is
        future.set_exception(error)

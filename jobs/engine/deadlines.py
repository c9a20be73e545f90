"""The time limit of a job on its thread, and how a job is asked to stop.

Signals interrupt only the main thread, so one watchdog thread raises exceptions in the others. An exception reaches the
block that it is meant for, or nothing; never the next job. It cannot interrupt a call into C, so every network call has
a timeout of its own.
"""

import ctypes
import math
import time
from contextvars import ContextVar
from threading import Condition, Lock, Thread, get_ident
from types import TracebackType
from typing import Any

from rq.timeouts import BaseDeathPenalty

STOP_SECONDS = 5.0
"Seconds that a job which was asked to stop may take to notice; then an exception stops it."


class TimeIsUp(BaseException):
    """The job's time limit is over.

    Not an `Exception`: the SDKs that a job waits in take every `Exception` for an error of their connection, and the
    job would go on without a limit.
    """


class StopAsked(BaseException):
    """The job was asked to stop; not an `Exception`, so that no job handles it as an error."""


def stop_asked() -> bool:
    """Return whether the job on this thread was asked to stop."""
    deadline = _here.get()
    return deadline is not None and deadline.stop_asked


def check() -> None:
    """Raise if the job on this thread was asked to stop.

    Raises:
        StopAsked: it was.
    """
    if stop_asked():
        raise StopAsked


class Deadline(BaseDeathPenalty):
    """A block on one thread that has a time limit and can be asked to stop.

    Raises:
        TimeIsUp: the time limit is over (or the exception that was given).
        StopAsked: it was asked to stop and still ran after `STOP_SECONDS`.
    """

    def __init__(self, timeout: float | None, exception: type[BaseException] = TimeIsUp, **_job: object) -> None:
        """Take RQ's arguments: seconds (None or below one: no limit), the exception to raise, the job's id."""
        super().__init__(timeout, exception)  # type: ignore[no-untyped-call]  # rq leaves it untyped
        self.stop_asked = False
        self.raises: type[BaseException] = exception
        self.due = math.inf
        self.over = False
        self._thrown: type[BaseException] | None = None
        self._turn = Lock()
        "Held while an exception is raised in the block, and while the block ends."

    def ask_to_stop(self) -> None:
        """Ask the block to stop, from another thread; it has `STOP_SECONDS` to end by itself."""
        if not self.stop_asked:
            self.stop_asked = True
            self.due, self.raises = time.monotonic() + STOP_SECONDS, StopAsked
            _watchdog.look()

    def throw(self) -> None:
        """Raise in the block's thread, unless the block has ended."""
        with self._turn:
            if not self.over and self._thrown is None:
                self._thrown = self.raises
                _raise_in(self._thread, self._thrown)

    def __enter__(self) -> None:
        """Start the time limit."""
        self._thread = get_ident()
        self._token = _here.set(self)
        if self._timeout is not None and self._timeout > 0 and not self.stop_asked:
            self.due = time.monotonic() + self._timeout
        _watchdog.watch(self)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """End the block; after this nothing is raised in its thread."""
        while not self.over:
            try:
                with self._turn:
                    self.over = True
                    _raise_in(self._thread, None)
            except BaseException as late:  # it was raised while the block ended
                if type(late) is not self._thrown:
                    raise
        _watchdog.leave(self)
        _here.reset(self._token)
        if isinstance(value, self._exception) and kind is self._thrown and not value.args:
            value.args = (f"It took more than {self._timeout:g} s.",)


class _Watchdog:
    """One thread for all deadlines of this process, started by the first one."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._deadlines: set[Deadline] = set()
        self._wakes = math.inf
        self._thread: Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        with self._changed:
            self._deadlines.add(deadline)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.due < self._wakes:
                self._changed.notify()

    def leave(self, deadline: Deadline) -> None:
        with self._changed:
            self._deadlines.discard(deadline)

    def look(self) -> None:
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for deadline in [one for one in self._deadlines if one.due <= now]:
                    deadline.throw()
                    self._deadlines.discard(deadline)  # raised once only, even if its thread never returns to Python
                self._wakes = min((one.due for one in self._deadlines), default=math.inf)
                self._changed.wait(None if self._wakes == math.inf else self._wakes - now)


_here: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
_watchdog = _Watchdog()


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise in a thread as soon as it runs Python code; None cancels an exception that was not raised yet."""
    what: Any = ctypes.py_object() if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)

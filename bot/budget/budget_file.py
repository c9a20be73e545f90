"""The budget file while a process runs: a change takes effect within seconds, a wrong file never.

Invariant: `current` returns what was read from a file that had not changed for a second, so that no cap is lost because
the file is being written; if the file is wrong, the caps before it stay in force.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import structlog

from bot.budget.caps import Budgets
from bot.errors import ConfigError

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"Seconds between two looks at the file."
STAYED_SECONDS = 1.0
"A file that changed more recently may still be being written; it is read when a second look finds it unchanged."
MOST_NAMED = 20
"The most changed fields that the log names."

Stamp = tuple[int, int, int]
"Identifies a state of a file: time of change in ns, size, inode."


class BudgetFile:
    """The budgets of a file, kept up to date."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ConfigError: it is wrong; the message names file and field.
        """
        self._path = path
        self._looking = Lock()
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._seen = self._read = _stamp(path)
        self._budgets = Budgets.load(path)

    def current(self) -> Budgets:
        """Return the budgets in force; any thread may call it, and none waits for another's look."""
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                self._look()
                self._next_look = time.monotonic() + LOOK_SECONDS
            finally:
                self._looking.release()
        return self._budgets

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._read:
            self._seen = stamp
        elif stamp == self._seen or _has_stayed(self._path):
            self._take(stamp)
        else:
            self._seen = stamp

    def _take(self, stamp: Stamp | None) -> None:
        try:
            budgets = Budgets.load(self._path)
        except ConfigError as error:
            if _stamp(self._path) == stamp:
                self._read = stamp
                log.error("budgets.refused", why=" ".join(str(error).split()))  # noqa: TRY400 - it names file and field
            return
        if _stamp(self._path) != stamp:
            return  # changed while it was read
        self._read = stamp
        if budgets != self._budgets:
            changed = sorted(_differing(self._budgets.model_dump(), budgets.model_dump()))
            log.info("budgets.changed", file=str(self._path), fields=changed[:MOST_NAMED], version=budgets.version)
            self._budgets = budgets


def _stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file; None: there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _has_stayed(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_ctime >= STAYED_SECONDS
    except OSError:
        return False


def _differing(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Yield the fields in which two contents differ, such as `channel.default.hard`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old.keys() | new.keys():
            yield from _differing(old.get(name), new.get(name), f"{place}.{name}".removeprefix("."))
    elif old != new:
        yield place

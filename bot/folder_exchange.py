"""One folder of an agent takes the place of another, and a crash in between is mended.

An exchange is two renames, and between them there is no folder of that name:

    agents/NAME                 -> rollbacks/NAME-TIME, where the previous folder is kept
    rollbacks/.NAME-TIME.new    -> agents/NAME, whole and on the disk before the first rename

One rollback at a time holds the lock of the folder `agents`, and removes what one before it has left that was killed
before its exchange.

Invariant: while `agents/NAME` is missing in an exchange, a whole folder waits beside the one that is kept. `mend` puts
it into its place. Every process does so before it reads the folders, and so does the next rollback.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog

from bot import private
from bot.errors import ConfigError

AGENTS, KEPT = "agents", "rollbacks"
"The folders of a configuration: what agents are, and what they were before a rollback."
_WAITING = re.compile(r"\.(?P<kept>(?P<name>.+)-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)\.new")

log = structlog.get_logger(__name__)


def waiting(kept: Path) -> Path:
    """Return where the folder that is to take the place of another is made ready."""
    return kept.with_name(f".{kept.name}.new")


@contextmanager
def alone(config: Path) -> Iterator[None]:
    """Hold the lock of the exchanges of a configuration; the system takes it from a process that is killed.

    Raises:
        ConfigError: there is no folder of agents.
    """
    with ExitStack() as held:
        try:
            held.enter_context(private.alone(config / AGENTS))
        except OSError as error:
            raise ConfigError(f"{config / AGENTS}: cannot be read: {error.strerror}") from error
        yield


def exchange(folder: Path, kept: Path) -> None:
    """Put the folder that waits into the place of one, which is kept.

    Raises:
        OSError: the disk refuses it; the folder is as it was.
    """
    fresh = waiting(kept)
    _sync(fresh)
    folder.rename(kept)
    try:
        fresh.rename(folder)
    except FileNotFoundError:
        if not folder.exists():  # otherwise a process that has just started has mended it already
            kept.rename(folder)
            raise
    except OSError:
        kept.rename(folder)
        raise
    for place in (folder.parent, kept.parent):
        _sync_one(place)


def mend(config: Path) -> tuple[str, ...]:
    """End the exchanges that a crash has left between their two renames; return the names of these agents.

    Raises:
        ConfigError: the disk refuses it.
    """
    mended = []
    for fresh in sorted((config / KEPT).glob(".*.new")):
        named = _WAITING.fullmatch(fresh.name)
        if named is None or not fresh.with_name(named["kept"]).is_dir():
            continue  # its previous folder was never moved: the crash came earlier, and nothing is missing
        folder = config / AGENTS / named["name"]
        if folder.exists():
            continue
        try:
            fresh.rename(folder)
            _sync_one(folder.parent)
        except FileNotFoundError:
            continue  # another process was quicker
        except OSError as error:
            raise ConfigError(
                f"{folder}: is missing, as a rollback was cut off, and cannot be put there: {error.strerror}; "
                f"move {fresh} there"
            ) from error
        log.warning("rollback.mended", agent=named["name"])
        mended.append(named["name"])
    return tuple(mended)


def clear(config: Path) -> None:
    """Remove the folders that were made ready for exchanges that never began; the caller holds the lock."""
    for fresh in (config / KEPT).glob(".*.new"):
        named = _WAITING.fullmatch(fresh.name)
        if named and not fresh.with_name(named["kept"]).exists() and (config / AGENTS / named["name"]).exists():
            shutil.rmtree(fresh, ignore_errors=True)


def discard(kept: Path) -> None:
    """Remove the folder that waits, as there will be no exchange."""
    shutil.rmtree(waiting(kept), ignore_errors=True)


def _sync(folder: Path) -> None:
    """Let every file and folder reach the disk, so that a crash after the exchange finds them whole."""
    for place in (*sorted(folder.rglob("*"), reverse=True), folder):
        _sync_one(place)


def _sync_one(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

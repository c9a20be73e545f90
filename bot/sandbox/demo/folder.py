"""The folder of one demo: the demo makes, marks and empties it, and one demo at a time holds it.

Invariant: the demo takes over and removes nothing that a demo has not made. A folder without a mark is somebody else's
unless it is empty; one that holds a file of another name, or a link, is not emptied.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from secrets import token_hex

from bot import private
from bot.ground import Ground, Kind
from bot.sandbox.demo.processes import CannotRun
from bot.store.installation.marks import ID_BYTES

STATE = Path(".deskhand/demo")
"The folder of a visitor's demo."
MARK, NEW, LOCK, TOLD = "mark", "mark.new", "lock", "environment.json"
AUTHENTICATORS = "authenticators.json"
"The file with the secrets of the approvers' authenticator apps, which the local workspace shows as phones."
MADE = (
    MARK,
    NEW,
    LOCK,
    TOLD,
    "deskhand.db*",
    f"{AUTHENTICATORS}*",
    "workspace.json*",
    "logs/*.log",
    "redis/*.rdb",
    "redis/redis.sock",
    "config/*",
)
"All that a demo makes, by path in the folder; a star also matches folders."


@contextmanager
def locked(place: Path, *, fresh: bool) -> Iterator[Ground]:
    """Hold the folder during the block: two demos over one database would take each other's turns.

    Args:
        place: the folder; created if it does not exist.
        fresh: whether to remove what an earlier demo has kept in it.

    Raises:
        CannotRun: another demo holds it, or it holds something that no demo has made; nothing was removed.
    """
    if place.is_symlink():
        raise CannotRun(f"{place} is a link, and a demo keeps to a folder of its own: remove the link.")
    private.folder(place)
    if place.stat().st_uid != os.geteuid():
        raise CannotRun(f"{place} belongs to another account; run the demo elsewhere.")
    private.tighten(place)
    with open(place / LOCK, "w", opener=private.opener) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(f"Another demo is running in {place}; end that one first.") from None
        ground = _mark(place)
        if ground is not None and fresh:
            _empty(place)
            ground = _mark(place)
        yield ground or _put(place)


@contextmanager
def published(place: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Let commands that run beside the demo find it during the block, through its processes' environment."""
    with open(place / TOLD, "w", encoding="utf-8", opener=private.opener) as file:
        json.dump(dict(environment), file)
    try:
        yield
    finally:
        (place / TOLD).unlink(missing_ok=True)


def running(place: Path) -> dict[str, str] | None:
    """Return the environment of the processes of the demo that runs in a folder; None when none runs there."""
    try:
        with open(place / LOCK, opener=private.opener) as lock, (place / TOLD).open(encoding="utf-8") as file:
            environment: dict[str, str] = json.load(file)
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return environment
    except (OSError, ValueError):  # no demo has run here, or one is just starting or ending
        return None
    return None  # it was killed and left its environment behind


def _mark(place: Path) -> Ground | None:
    """Return the mark of a folder; None when it is empty apart from the lock.

    Raises:
        CannotRun: it has no mark, and is not empty.
    """
    try:
        with open(place / MARK, encoding="utf-8", errors="replace", opener=private.opener) as file:
            ground = Ground.parse(file.read().strip())
    except FileNotFoundError:
        ground = None
    except OSError as error:
        raise CannotRun(f"{place / MARK}: {error.strerror}") from error
    if ground is not None and ground.kind is Kind.DEMO:
        return ground
    others = sorted(child.name for child in place.iterdir() if child.name not in {LOCK, NEW})
    if others:
        raise CannotRun(
            f"{place} holds {others[0]}, and the folder has no demo's mark: move it away, "
            "or run the demo elsewhere. Nothing was removed."
        )
    return None


def _put(place: Path) -> Ground:
    ground = Ground(Kind.DEMO, token_hex(ID_BYTES))
    fresh = place / NEW
    with open(fresh, "w", encoding="utf-8", opener=private.opener) as file:
        file.write(f"{ground}\n")
    fresh.replace(place / MARK)
    return ground


def _empty(place: Path) -> None:
    """Remove what a demo has made, its mark last, so that an interrupted removal can be repeated.

    Raises:
        CannotRun: it holds something else; nothing was removed.
    """
    for path in _below(place):
        name = path.relative_to(place).as_posix()
        if path.is_symlink() or not (path.is_dir() or any(fnmatchcase(name, one) for one in MADE)):
            raise CannotRun(f"{path} was not made by a demo: move it away, and try again. Nothing was removed.")
    for child in place.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
        elif child.name not in {MARK, LOCK}:
            child.unlink()
    (place / MARK).unlink()


def _below(place: Path) -> Iterator[Path]:
    """Yield everything in a folder and its subfolders; links are not followed."""
    for child in place.iterdir():
        yield child
        if child.is_dir() and not child.is_symlink():
            yield from _below(child)

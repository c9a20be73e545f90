"""Makes files and folders that only the account that Deskhand runs as can read, whatever the umask is."""

import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

FILE, FOLDER, UMASK = 0o600, 0o700, 0o077
BESIDE = ("-wal", "-shm", "-journal")
"Endings of the files that SQLite keeps beside a database; it gives them the database's permissions."


def keep_to_ourselves() -> None:
    """Set the umask so that only our account can read what this process and its children create."""
    os.umask(UMASK)


def folder(path: Path) -> None:
    """Make a folder and its missing parents; an existing folder keeps its permissions.

    Raises:
        FileExistsError: the path exists and is no folder.
    """
    if not path.is_dir():
        if path.parent != path:
            folder(path.parent)
        try:
            path.mkdir(mode=FOLDER)
        except FileExistsError:
            if not path.is_dir():  # otherwise another process was quicker
                raise


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that one command at a time reads and replaces its files.

    The system takes the lock from a process that is killed, and no file is left of it.

    Raises:
        OSError: the folder cannot be opened.
    """
    opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def beside(path: Path) -> Path:
    """Return a new name in a file's folder, under which its next content is made ready."""
    return path.with_name(f".{path.name}.{token_hex(4)}")


def clear_beside(path: Path) -> None:
    """Remove what commands have made ready for a file and, being killed, have left; the caller is `alone` there."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    for one in path.parent.iterdir():
        if ours.fullmatch(one.name):
            with suppress(OSError):
                one.unlink()


def opener(path: str, flags: int) -> int:
    """Open a file, as the `opener` of `open`: a new one for our account alone, and never through a symbolic link."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)


def new(path: Path) -> int | None:
    """Make an empty file and return its descriptor; None when the name is taken, even by a symbolic link."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)
    except FileExistsError:
        return None


def put(path: Path, chunks: Iterable[bytes], *, only_new: bool = False, keep_mode: bool = False) -> None:
    """Write a file that only our account can read, whole or not at all.

    Args:
        path: the file; a pipe or a device, which cannot be replaced, is written to as it is.
        chunks: its content.
        only_new: refuse a name that is taken, even by a symbolic link.
        keep_mode: give it the permissions of the file that it replaces.

    Raises:
        FileExistsError: the name of a new file is taken.
        OSError: the disk refuses it; the file is as it was.
    """
    if not only_new and path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.writelines(chunks)
        return
    ready = beside(path)
    made = new(ready)
    assert made is not None  # noqa: S101 - its name is random
    try:
        with os.fdopen(made, "wb") as file:
            file.writelines(chunks)
            if keep_mode and path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.flush()
            os.fsync(file.fileno())
        if only_new:
            os.link(ready, path, follow_symlinks=False)
        else:
            ready.replace(path)
    finally:
        with suppress(OSError):
            ready.unlink()


def database(path: Path) -> None:
    """Make the file of an SQLite database, or take all access of others to an existing one and its side files.

    An existing file is not opened: closing it again would release SQLite's locks on it.
    """
    made = new(path)
    if made is not None:
        os.close(made)
        return
    for file in (path, *(path.with_name(f"{path.name}{ending}") for ending in BESIDE)):
        if file.is_file():
            tighten(file)


def tighten(path: Path) -> None:
    """Take all access of others to a file or folder of ours; a link, or what another account owns, stays as it is."""
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return
    ours = seen.st_uid == os.geteuid() and (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode))
    if ours and seen.st_mode & UMASK:
        with suppress(OSError):  # the file system is read-only; `deskhand doctor` reports it
            path.chmod(seen.st_mode & FOLDER)


def open_to_others(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the existing paths that other accounts may read or change."""
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & UMASK:
            yield path

"""Files that only the account that Deskhand runs as can read, whatever the umask and other accounts there are."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

FILE, FOLDER, UMASK = 0o600, 0o700, 0o077
BESIDE = ("-wal", "-shm", "-journal")
"What SQLite keeps beside a database; it makes them as open as that is."


def keep_to_ourselves() -> None:
    """Let whatever this process and its children make be for our account alone."""
    os.umask(UMASK)


def folder(path: Path) -> None:
    """Make a folder, with those above it that are missing; one that is there stays as it is.

    Raises:
        FileExistsError: something else is there.
    """
    if not path.is_dir():
        if path.parent != path:
            folder(path.parent)
        try:
            path.mkdir(mode=FOLDER)
        except FileExistsError:
            if not path.is_dir():  # else another process was quicker
                raise


def opener(path: str, flags: int) -> int:
    """Open a file for `open`: a new one for us alone, and never through a link that somebody has laid."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)


def new(path: Path) -> int | None:
    """Make an empty file and return its descriptor; None when something of that name is there, be it a link."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)
    except FileExistsError:
        return None


def database(path: Path) -> None:
    """Make the file of an SQLite database, or close one that is there to others, with what is kept beside it.

    One that is there is not opened: to close it again would take SQLite's locks from it.
    """
    made = new(path)
    if made is not None:
        os.close(made)
        return
    for file in (path, *(path.with_name(f"{path.name}{ending}") for ending in BESIDE)):
        if file.is_file():
            tighten(file)


def tighten(path: Path) -> None:
    """Take what others may do with a file or a folder of ours; a link, or what is somebody else's, stays as it is."""
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return
    ours = seen.st_uid == os.geteuid() and (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode))
    if ours and seen.st_mode & UMASK:
        with suppress(OSError):  # a file system that cannot be written to; the doctor says so
            path.chmod(seen.st_mode & FOLDER)


def open_to_others(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield those of some files and folders that are there, and that others may read or change."""
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & UMASK:
            yield path

"""Changes several files, all of them or none.

Every new text is complete on the disk before the first file is replaced, and no signal comes between two of them.
"""

import difflib
import os
import signal
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot import private
from bot.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it is, and as it would be."""

    file: Path
    before: str | None = field(repr=False)
    "None: there is no such file yet."
    after: str = field(repr=False)
    secret: bool = False
    "Whether only the names of what changes may be shown."

    @property
    def is_none(self) -> bool:
        """Return whether the file is as it would be."""
        return self.before == self.after

    def shown(self) -> str:
        """Return the difference for people; of a secret file only the names of variables, never a value."""
        old, new = (self.before or "").splitlines(keepends=True), self.after.splitlines(keepends=True)
        if not self.secret:
            return "".join(difflib.unified_diff(old, new, str(self.file), str(self.file), n=0))
        changed = [line for line in new if line not in old and "=" in line and not line.lstrip().startswith("#")]
        names = ", ".join(line.partition("=")[0].removeprefix("export ").strip() for line in changed)
        return f"{'new file' if self.before is None else 'changed'} {self.file} (values are not shown): {names}\n"


def read(file: Path) -> str | None:
    """Return the content of a file, or None when there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = "it is not text in UTF-8" if isinstance(error, ValueError) else error.strerror
        raise ConfigError(f"{file}: cannot be read: {why}") from error


def refuse_unwritable(files: Sequence[Path]) -> None:
    """Refuse, before anything is asked, files that this account could not replace.

    Raises:
        ConfigError: it may not write to the folder of one.
    """
    for file in files:
        folder = file.resolve().parent
        if not os.access(folder, os.W_OK | os.X_OK) or file.is_dir():
            raise ConfigError(f"{file}: cannot be written: this account may not write to {folder}")


def write(changes: Sequence[Change]) -> None:
    """Replace the files, all of them or none; another command that does so waits.

    Raises:
        ConfigError: one cannot be written, or has changed since it was read; nothing was changed.
    """
    targets = [change.file.resolve() for change in changes]
    ready = [(change, private.beside(target)) for change, target in zip(changes, targets, strict=True)]
    with ExitStack() as held:
        try:
            for folder in sorted({target.parent for target in targets}):  # in one order, so that no two wait for ever
                held.enter_context(private.alone(folder))
        except OSError as error:
            raise ConfigError(
                f"{error.filename or folder}: cannot be read: {error.strerror}; nothing was changed"
            ) from error
        for target in targets:
            private.clear_beside(target)
        _write(ready)


def _write(ready: Sequence[tuple[Change, Path]]) -> None:
    """Make the new files ready, and put them into their places.

    Raises:
        ConfigError: see `write`.
    """
    try:
        for change, beside in ready:
            _fill(beside, change)
            if read(change.file) != change.before:
                raise ConfigError(f"{change.file}: has changed meanwhile; nothing was written, start again")
        with _undisturbed():
            _replace(ready)
    except OSError as error:
        refused = error.filename or ", ".join(str(change.file) for change, _ in ready)  # a full disk names no file
        raise ConfigError(f"{refused}: cannot be written: {error.strerror}; nothing was changed") from error
    finally:
        for _, beside in ready:
            beside.unlink(missing_ok=True)


def _fill(beside: Path, change: Change) -> None:
    """Write the new text beside its file, with the file's own permissions; a secret one is for our account alone."""
    made = private.new(beside)
    assert made is not None  # noqa: S101 - its name is random
    target = change.file.resolve()
    with os.fdopen(made, "w", encoding="utf-8") as new:
        new.write(change.after)
        if target.exists() and not change.secret:
            os.fchmod(new.fileno(), stat.S_IMODE(target.stat().st_mode))
        new.flush()
        os.fsync(new.fileno())


def _replace(ready: Sequence[tuple[Change, Path]]) -> None:
    """Put the new files into their places; when the disk refuses one, the others are put back.

    Raises:
        OSError: it refuses one, as a file that is mounted by itself.
    """
    done: list[Change] = []
    try:
        for change, beside in ready:
            beside.replace(change.file.resolve())
            done.append(change)
    except OSError:
        for change in done:
            if change.before is None:
                change.file.unlink()
            else:
                change.file.write_text(change.before, "utf-8")
        raise


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""Reads and rewrites `.env`, the file of environment variables in the folder in which Deskhand is started.

The environment takes precedence: a variable of the file counts only where the environment has none, or an empty one.
No message shows a value.
"""

import io
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import ConfigError, why_unreadable

if TYPE_CHECKING:
    from dotenv.parser import Binding

VARIABLE, FILE = "DESKHAND_ENV_FILE", ".env"
"The variable that names another file, or, when it is empty, none; and the file without it."
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[\w./:@%+,=?&~-]*", re.ASCII)
"Values that systemd, Compose and shells read alike without quotes."
_QUOTABLE = re.compile(r"[^\x00-\x1f\x7f'\\]*")


def named(environment: Mapping[str, str]) -> Path | None:
    """Return the file of this process; None when the environment says that there is none."""
    name = environment.get(VARIABLE, FILE)
    return Path(name) if name else None


def load(environment: MutableMapping[str, str]) -> None:
    """Add the variables of the file to an environment that does not have them.

    Args:
        environment: `os.environ`; it may name another file, which must then be there.

    Raises:
        ConfigError: the file cannot be read, or a line is wrong; the message names the line.
    """
    file = named(environment)
    if file is None or (VARIABLE not in environment and not file.exists()):
        return
    for name, value in read(file).items():
        if not environment.get(name):
            environment[name] = value


def read(file: Path) -> dict[str, str]:
    """Return the variables of a file.

    Raises:
        ConfigError: it cannot be read, or a line is wrong; the message names the line.
    """
    return {name: one.value or "" for name, one in _bindings(file, text(file)) if name}


def text(file: Path) -> str:
    """Return the content of a file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: cannot be read: {why_unreadable(error)}") from error


def updated(file: Path, before: str, values: Mapping[str, str]) -> str:
    """Return the text of a file with other values; all else stays as it is, and new variables come last.

    Args:
        file: the file, for messages.
        before: its text.
        values: the variables to set, by name.

    Raises:
        ConfigError: a line is wrong, or a value cannot be written.
    """
    new = {name: f"{name}={_written(name, value)}\n" for name, value in values.items()}
    lines, left = [], dict(new)
    for name, one in _bindings(file, before):
        stripped = one.original.string.lstrip()
        ahead = one.original.string.removesuffix(stripped)
        lines.append(f"{ahead}{new[name]}" if name in new else one.original.string)  # also a second one, which counts
        left.pop(name, None)
    whole = "".join(lines)
    return "".join([whole, "\n" if whole and not whole.endswith("\n") else "", *left.values()])


def _bindings(file: Path, content: str) -> Iterator[tuple[str, "Binding"]]:
    """Yield each part of a file with the name that it sets, which is empty for comments and empty lines.

    Raises:
        ConfigError: a line is wrong.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415 - most processes have no file

    for one in parse_stream(io.StringIO(content)):
        sets = one.key is not None
        is_name = one.key is None or _NAME.fullmatch(one.key) is not None
        if one.error or not is_name or (sets and one.value is None) or "\0" in (one.value or ""):
            start = one.original.string
            line = one.original.line + start[: len(start) - len(start.lstrip())].count("\n")
            raise ConfigError(f"{file}: line {line}: expected NAME=value, or # and a comment")
        yield one.key or "", one


def _written(name: str, value: str) -> str:
    """Return a value as every reader of such files understands it.

    Raises:
        ConfigError: there is no such way.
    """
    if _PLAIN.fullmatch(value):
        return value
    if _QUOTABLE.fullmatch(value):
        return f"'{value}'"
    raise ConfigError(f"{name}: its value has a quote, a backslash or a control character, which {FILE} cannot hold")

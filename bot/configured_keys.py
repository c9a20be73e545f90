"""Keys of ours that the environment or a file holds: how they are written, made and read.

A key is written as a prefix of its kind and 32 random bytes in base64url, so that redaction knows it wherever it turns
up. While one key replaces another there are two, the new one first. No message shows a key.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from bot import private
from bot.errors import ConfigError

MOST = 2
"The most keys of a kind that are valid at a time: one, and the one that it replaces."
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyKind:
    """What keys of one kind are for, and where they are set."""

    named: str
    "What they are called, in the plural."
    prefix: str
    "What a written key begins with, without the underscore."
    variable: str
    file_variable: str
    command: str
    "The command that makes one."
    id_of: Callable[[bytes], str]
    "(the secret bytes) -> the id of the key, which shows nothing of them."


@dataclass(frozen=True, slots=True)
class ConfiguredKey:
    """One key."""

    id: str
    secret: bytes = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ConfiguredKeys:
    """The valid keys of a kind, the newest first."""

    keys: tuple[ConfiguredKey, ...]
    source: str
    "Where they were read: a variable or a file."


def generate(kind: KeyKind) -> str:
    """Return a new key, as it is written."""
    return f"{kind.prefix}_{urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b'=').decode()}"


def find(kind: KeyKind, written: SecretStr | None, file: Path | None) -> ConfiguredKeys | None:
    """Return the keys that the environment names; None when it names none.

    Args:
        kind: the kind of keys.
        written: the value of the variable, with two keys separated by a comma.
        file: the value of the other variable, which names a file.

    Raises:
        ConfigError: both a file and a variable name some, or one is wrong.
    """
    if written is not None and file is not None:
        raise ConfigError(f"environment: both {kind.variable} and {kind.file_variable} are set; keep one of them")
    if written is not None:
        return parse(kind, written.get_secret_value().split(","), source=kind.variable)
    return None if file is None else read(kind, file)


def read(kind: KeyKind, file: Path) -> ConfiguredKeys:
    """Read the keys in a file, one a line, the newest first.

    Raises:
        ConfigError: it cannot be read, others may read it, or a key is wrong.
    """
    try:
        lines = file.read_text("ascii").split()
    except (OSError, ValueError) as error:
        why = "it is not plain text" if isinstance(error, ValueError) else error.strerror
        put_right = f"`{kind.command}` makes one with `--file`"
        raise ConfigError(f"{file}: the {kind.named} cannot be read: {why}; {put_right}") from error
    if any(private.open_to_others([file])):
        raise ConfigError(f"{file}: other accounts of this machine may read the {kind.named}: `chmod 600` it")
    return parse(kind, lines, source=str(file))


def parse(kind: KeyKind, written: Sequence[str], *, source: str) -> ConfiguredKeys:
    """Return the keys that are written somewhere.

    Args:
        kind: the kind of keys.
        written: the keys, the newest first.
        source: where they were read: a variable or a file.

    Raises:
        ConfigError: there are none or too many, one has another form, or one is there twice.
    """
    where = f"environment: {source}" if source == kind.variable else source
    found = [_secret(kind, one.strip(), number, where) for number, one in enumerate(written, start=1)]
    if not 0 < len(found) <= MOST:
        raise ConfigError(f"{where}: expected one key, or two while one replaces the other; found {len(found)}")
    if len(set(found)) < len(found):
        raise ConfigError(f"{where}: the same key is there twice")
    return ConfiguredKeys(tuple(ConfiguredKey(kind.id_of(one), one) for one in found), source)


def _secret(kind: KeyKind, written: str, number: int, where: str) -> bytes:
    has_form = re.fullmatch(rf"{kind.prefix}_[\w-]{{43}}", written, re.ASCII) is not None
    secret = urlsafe_b64decode(f"{written.removeprefix(f'{kind.prefix}_')}=") if has_form else b""
    if len(secret) != SECRET_BYTES:
        form = f"a key is `{kind.prefix}_` and 43 characters of base64url"
        raise ConfigError(f"{where}: key {number} has another form: {form}; `{kind.command}` makes one")
    return secret

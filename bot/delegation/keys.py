"""The Ed25519 keys of delegation tokens: the first one signs, and all of them verify.

A key is written as `dhdk_` and 32 random bytes in base64url, from which it is derived (HKDF with a salt of ours). Its
id (`kid`) is the RFC 7638 thumbprint of its public part, so a key and its id cannot be mixed up. While one key replaces
another there are two, the new one first.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from joserfc.jwk import OKPKey

from bot import private
from bot.errors import ConfigError
from bot.settings import Settings

VARIABLE, FILE_VARIABLE = "DESKHAND_DELEGATION_KEYS", "DESKHAND_DELEGATION_KEYS_FILE"
CURVE: Final = "Ed25519"
MOST = 2
"The most keys that are valid at a time: one, and the one that it replaces."
SEED_BYTES = 32
_SALT = b"deskhand delegation key 1"
_KEY = re.compile(r"dhdk_[\w-]{43}", re.ASCII)
_FORM = "a key is `dhdk_` and 43 characters of base64url"
_PUT_RIGHT = "`deskhand keys generate` makes one"


@dataclass(frozen=True, slots=True)
class DelegationKey:
    """One key."""

    id: str
    "Its `kid`: the thumbprint of its public part."
    public: str
    "Its public part, base64url."
    jwk: OKPKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DelegationKeys:
    """The valid keys, the one that signs first."""

    keys: tuple[DelegationKey, ...]
    source: str
    "Where they were read: a variable or a file."

    @property
    def signing(self) -> DelegationKey:
        """Return the key that signs."""
        return self.keys[0]

    def find(self, key_id: object) -> DelegationKey | None:
        """Return the key with an id, or None."""
        return next((key for key in self.keys if key.id == key_id), None)


def generate() -> str:
    """Return a new key, as it is written."""
    return f"dhdk_{urlsafe_b64encode(secrets.token_bytes(SEED_BYTES)).rstrip(b'=').decode()}"


def is_set(settings: Settings) -> bool:
    """Return whether the environment names keys."""
    return settings.deskhand_delegation_keys is not None or settings.deskhand_delegation_keys_file is not None


def of_settings(settings: Settings) -> DelegationKeys:
    """Return the keys of this installation.

    Raises:
        ConfigError: there are none, both a file and a variable name some, or one is wrong; the message says what to do.
    """
    written, file = settings.deskhand_delegation_keys, settings.deskhand_delegation_keys_file
    if written is not None and file is not None:
        raise ConfigError(f"environment: both {VARIABLE} and {FILE_VARIABLE} are set; keep one of them")
    if written is not None:
        return parse(written.get_secret_value().split(","), source=VARIABLE)
    if file is not None:
        return read(file)
    raise ConfigError(
        f"environment: {VARIABLE} is not set, and no tool of an agent runs without a key that signs its delegation; "
        f"run `deskhand keys generate` and set what it prints, or run `deskhand keys generate --file FILE` and set "
        f"{FILE_VARIABLE} to the file"
    )


def read(file: Path) -> DelegationKeys:
    """Read the keys in a file, one a line, the one that signs first.

    Raises:
        ConfigError: it cannot be read, others may read it, or a key is wrong.
    """
    try:
        lines = file.read_text("ascii").split()
    except (OSError, ValueError) as error:
        why = "it is not plain text" if isinstance(error, ValueError) else error.strerror
        raise ConfigError(f"{file}: the delegation keys cannot be read: {why}; {_PUT_RIGHT} with `--file`") from error
    if any(private.open_to_others([file])):
        raise ConfigError(f"{file}: other accounts of this machine may read the delegation keys: `chmod 600` it")
    return parse(lines, source=str(file))


def parse(written: list[str], *, source: str) -> DelegationKeys:
    """Return the keys that are written somewhere; no message holds one.

    Args:
        written: the keys, the one that signs first.
        source: where they were read: a variable or a file.

    Raises:
        ConfigError: there are none or too many, one has another form, or one is there twice.
    """
    named = f"environment: {source}" if source == VARIABLE else source
    keys = [_key(one.strip(), number, named) for number, one in enumerate(written, start=1)]
    if not 0 < len(keys) <= MOST:
        raise ConfigError(f"{named}: expected one key, or two while one replaces the other; found {len(keys)}")
    if len({key.id for key in keys}) < len(keys):
        raise ConfigError(f"{named}: the same key is there twice")
    return DelegationKeys(tuple(keys), source)


def _key(written: str, number: int, named: str) -> DelegationKey:
    seed = urlsafe_b64decode(f"{written.removeprefix('dhdk_')}=") if _KEY.fullmatch(written) else b""
    if len(seed) != SEED_BYTES:
        raise ConfigError(f"{named}: key {number} has another form: {_FORM}; {_PUT_RIGHT}")
    jwk = OKPKey.derive_key(seed, CURVE, kdf_options={"salt": _SALT, "info": b""})
    return DelegationKey(jwk.thumbprint(), str(jwk.as_dict(private=False)["x"]), jwk)

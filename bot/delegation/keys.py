"""The Ed25519 keys of delegation tokens: the first one signs, and all of them verify.

A key is written as `dhdk_` and 32 random bytes in base64url, from which it is derived (HKDF with a salt of ours). Its
id (`kid`) is the RFC 7638 thumbprint of its public part, so a key and its id cannot be mixed up. While one key replaces
another there are two, the new one first.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from joserfc.jwk import OKPKey

from bot import configured_keys
from bot.configured_keys import ConfiguredKeys, KeyKind
from bot.errors import ConfigError
from bot.settings import Settings

VARIABLE, FILE_VARIABLE = "DESKHAND_DELEGATION_KEYS", "DESKHAND_DELEGATION_KEYS_FILE"
CURVE: Final = "Ed25519"
_SALT = b"deskhand delegation key 1"


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
    return configured_keys.generate(KIND)


def is_set(settings: Settings) -> bool:
    """Return whether the environment names keys."""
    return settings.deskhand_delegation_keys is not None or settings.deskhand_delegation_keys_file is not None


def of_settings(settings: Settings) -> DelegationKeys:
    """Return the keys of this installation.

    Raises:
        ConfigError: there are none, both a file and a variable name some, or one is wrong; the message says what to do.
    """
    written, file = settings.deskhand_delegation_keys, settings.deskhand_delegation_keys_file
    found = configured_keys.find(KIND, written, file)
    if found is None:
        raise ConfigError(
            f"environment: {VARIABLE} is not set, and no tool of an agent runs without a key that signs its "
            f"delegation; run `{KIND.command}` and set what it prints, or run `{KIND.command} --file FILE` and set "
            f"{FILE_VARIABLE} to the file"
        )
    return _derived(found)


def read(file: Path) -> DelegationKeys:
    """Read the keys in a file, one a line, the one that signs first.

    Raises:
        ConfigError: it cannot be read, others may read it, or a key is wrong.
    """
    return _derived(configured_keys.read(KIND, file))


def parse(written: list[str], *, source: str) -> DelegationKeys:
    """Return the keys that are written somewhere; no message holds one.

    Args:
        written: the keys, the one that signs first.
        source: where they were read: a variable or a file.

    Raises:
        ConfigError: there are none or too many, one has another form, or one is there twice.
    """
    return _derived(configured_keys.parse(KIND, written, source=source))


def _derived(found: ConfiguredKeys) -> DelegationKeys:
    return DelegationKeys(tuple(_key(one.secret) for one in found.keys), found.source)


def _key(seed: bytes) -> DelegationKey:
    jwk = OKPKey.derive_key(seed, CURVE, kdf_options={"salt": _SALT, "info": b""})
    return DelegationKey(jwk.thumbprint(), str(jwk.as_dict(private=False)["x"]), jwk)


KIND = KeyKind(
    named="delegation keys",
    prefix="dhdk",
    variable=VARIABLE,
    file_variable=FILE_VARIABLE,
    command="deskhand keys generate",
    id_of=lambda seed: _key(seed).id,
)
"What these keys are, among all that the environment may hold."

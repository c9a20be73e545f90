"""Encrypts the secrets of approvers: who reads the database, or a copy of it, can make no code.

AES-256-GCM from the package `cryptography`, with the approver's id as associated data: a secret that somebody copies
into the row of another approver opens for nobody. What is stored names its key, so that keys can be replaced.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot import configured_keys
from bot.configured_keys import ConfiguredKey, KeyKind
from bot.errors import ConfigError
from bot.settings import Settings

VARIABLE, FILE_VARIABLE = "DESKHAND_APPROVER_KEY", "DESKHAND_APPROVER_KEY_FILE"
NONCE_BYTES = 12
_SEALED = re.compile(r"v1\.([0-9a-f]{16})\.([\w-]+)", re.ASCII)


def _id_of(secret: bytes) -> str:
    return sha256(b"deskhand approver key 1\0" + secret).hexdigest()[:16]


KIND = KeyKind(
    named="approver keys",
    prefix="dhak",
    variable=VARIABLE,
    file_variable=FILE_VARIABLE,
    command="deskhand keys generate --approvers",
    id_of=_id_of,
)
"What these keys are, among all that the environment may hold."


@dataclass(frozen=True, slots=True)
class ApproverKeys:
    """The valid keys, the one that encrypts first; there may be none, and then nobody can be enrolled."""

    keys: tuple[ConfiguredKey, ...] = ()

    @property
    def sealing(self) -> ConfiguredKey | None:
        """Return the key that encrypts, or None."""
        return self.keys[0] if self.keys else None

    def seal(self, secret: str, *, user: str) -> str:
        """Return the secret of an approver as it is stored.

        Raises:
            ConfigError: no key is set; the message says what to do.
        """
        if self.sealing is None:
            raise ConfigError(
                f"environment: {VARIABLE} is not set, and secrets of approvers are kept encrypted; run "
                f"`{KIND.command}` and set what it prints for `deskhand web` or `deskhand socket`, and for this command"
            )
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + AESGCM(self.sealing.secret).encrypt(nonce, secret.encode(), _bound_to(user))
        return f"v1.{self.sealing.id}.{urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def unseal(self, stored: str, *, user: str) -> str | None:
        """Return the secret of an approver; None when none of these keys opens what is stored for them."""
        found = _SEALED.fullmatch(stored)
        key = next((one for one in self.keys if found is not None and one.id == found[1]), None)
        if found is None or key is None:
            return None
        try:
            sealed = urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4))
            return AESGCM(key.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(user)).decode()
        except (InvalidTag, ValueError):  # a ValueError: no base64, or too short to hold a nonce
            return None

    def is_current(self, stored: str) -> bool:
        """Return whether what is stored is encrypted with the first key."""
        found = _SEALED.fullmatch(stored)
        return found is not None and self.sealing is not None and found[1] == self.sealing.id


def of_settings(settings: Settings) -> ApproverKeys:
    """Return the keys of this installation; none when the environment names none.

    Raises:
        ConfigError: both a file and a variable name some, or one is wrong; the message says what to do.
    """
    found = configured_keys.find(KIND, settings.deskhand_approver_key, settings.deskhand_approver_key_file)
    return ApproverKeys(() if found is None else found.keys)


def _bound_to(user: str) -> bytes:
    return f"approver:{user}".encode()

"""Checkpoints and seals: signed statements about a log that are kept outside its database.

A **checkpoint** says what hash the record at a position has; every record up to it is bound by that hash. A **seal** is
a checkpoint that says, too, that the records up to it were removed, and by which rule. Each is a compact JWS with
Ed25519 (RFC 7515, RFC 8037, RFC 9864), whose payload is JSON in canonical form, and one line of a file.
"""

import json
import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot import configured_keys
from bot.audit_chain import canonical
from bot.configured_keys import ConfiguredKeys, KeyKind
from bot.errors import ConfigError
from bot.settings import Settings

VARIABLE, FILE_VARIABLE, PUBLIC_VARIABLE = "AUDIT_SIGNING_KEY", "AUDIT_SIGNING_KEY_FILE", "AUDIT_PUBLIC_KEY"
ALGORITHM: Final = "Ed25519"
CHECKPOINT_TYPE, SEAL_TYPE = "audit-checkpoint+jws", "audit-seal+jws"
_SALT = b"deskhand audit signing key 1"
_PUBLIC = re.compile(r"[\w-]{43}", re.ASCII)
_WHOLE = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]{86}")
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the record at a position was when somebody looked."""

    position: int
    hash: bytes
    at: str
    "When it was signed, RFC 3339 in UTC."
    chain: str
    "The id of the log."


@dataclass(frozen=True, slots=True)
class Seal(Checkpoint):
    """A checkpoint whose record and all before it were removed."""

    rule: str = ""
    "By which rule, in words."


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    position: int = Field(ge=1)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    at: str = Field(pattern=rf"^{_TIME}$")
    chain: str = Field(min_length=1)
    rule: str | None = Field(default=None, min_length=1)


@dataclass(frozen=True, slots=True)
class AuditKey:
    """A key that signs checkpoints, or only its public part."""

    id: str
    "Its `kid`: the RFC 7638 thumbprint of its public part."
    public: str
    "Its public part, base64url."
    jwk: OKPKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ProofLines:
    """What the lines of a file of checkpoints and seals say."""

    checkpoints: tuple[Checkpoint, ...] = ()
    "Seals are among them."
    unknown_keys: int = 0
    "Lines that another key signed."
    altered: tuple[int, ...] = ()
    "Numbers of the lines that a known key should have signed and has not, or that are no checkpoint."
    torn: int = 0
    "How many lines are cut off, as by a process that was killed while it wrote."

    @property
    def seals(self) -> tuple[Seal, ...]:
        """Return the seals."""
        return tuple(one for one in self.checkpoints if isinstance(one, Seal))


def signing_key(settings: Settings) -> AuditKey:
    """Return the key that signs; of two, the first.

    Raises:
        ConfigError: there is none, or it is wrong; the message says what to do.
    """
    return derived(signing_keys(settings).keys[0].secret)


def signing_keys(settings: Settings) -> ConfiguredKeys:
    """Return the keys of the signer, the one that signs first.

    Raises:
        ConfigError: see `signing_key`.
    """
    found = configured_keys.find(KIND, settings.audit_signing_key, settings.audit_signing_key_file)
    if found is None:
        raise ConfigError(
            f"environment: neither {VARIABLE} nor {FILE_VARIABLE} is set; run `{KIND.command} --file FILE` as the "
            f"system user that signs, and set {FILE_VARIABLE} to the file"
        )
    return found


def derived(secret: bytes) -> AuditKey:
    """Return the key that is made of 32 secret bytes."""
    return _key(OKPKey.derive_key(secret, ALGORITHM, kdf_options={"salt": _SALT, "info": b""}))


def public_keys(given: Iterable[str]) -> dict[str, AuditKey]:
    """Return public keys by their id.

    Args:
        given: each is a public part in base64url (43 characters), or a file with one a line.

    Raises:
        ConfigError: one is neither.
    """
    keys = [key for one in given for key in _public_keys(one.strip())]
    return {key.id: key for key in keys}


def sign(checkpoint: Checkpoint, key: AuditKey) -> str:
    """Return a checkpoint or seal as one line, without its end.

    Raises:
        ConfigError: no reader would take it: a line that is signed and cannot be read counts as altered for good.
    """
    values = asdict(checkpoint) | {"hash": checkpoint.hash.hex()}
    try:
        _Payload.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ConfigError(f"nothing was signed: {wrong['loc'][0]}: {wrong['msg']}") from error
    kind = SEAL_TYPE if isinstance(checkpoint, Seal) else CHECKPOINT_TYPE
    header = {"alg": ALGORITHM, "kid": key.id, "typ": kind}
    return jws.serialize_compact(header, canonical.bytes_of(values), key.jwk, algorithms=[ALGORITHM])


def signature(key: AuditKey, message: bytes) -> bytes:
    """Return the Ed25519 signature of a message, 64 bytes, as formats other than JWS want it.

    Raises:
        ConfigError: there is only the public part of the key.
    """
    private = key.jwk.private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"environment: {VARIABLE}: only the public part of the key {key.id} is here")
    return private.sign(message)


def read_lines(data: bytes, keys: Mapping[str, AuditKey]) -> ProofLines:
    """Read the lines of a file of checkpoints and seals.

    A line may be cut off, and be followed by whole ones: a process was killed while it wrote, and the next one began a
    line of its own.
    """
    checkpoints: list[Checkpoint] = []
    unknown, altered, torn = 0, [], 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        if not _WHOLE.fullmatch(line.strip()):
            torn += 1
            continue
        match _read(line, keys):
            case Checkpoint() as found:
                checkpoints.append(found)
            case False:
                unknown += 1
            case None:
                altered.append(number)
    return ProofLines(tuple(checkpoints), unknown, tuple(altered), torn)


def read_file(file: Path, keys: Mapping[str, AuditKey]) -> ProofLines:
    """Read a file of checkpoints and seals.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return read_lines(file.read_bytes(), keys)
    except OSError as error:
        raise ConfigError(f"{file}: the checkpoints cannot be read: {error.strerror}") from error


def time_said(line: bytes) -> datetime | None:
    """Return when a line says that it was signed, without a look at its signature; None: it says nothing readable."""
    try:
        return datetime.fromisoformat(json.loads(_decoded(line.split(b".")[1]))["at"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def together(lines: Sequence[ProofLines]) -> ProofLines:
    """Return what several files say; a checkpoint that two of them have counts once."""
    return ProofLines(
        tuple(dict.fromkeys(one for some in lines for one in some.checkpoints)),
        sum(some.unknown_keys for some in lines),
        tuple(number for some in lines for number in some.altered),
        sum(some.torn for some in lines),
    )


def _read(line: bytes, keys: Mapping[str, AuditKey]) -> Checkpoint | bool | None:
    """Return a line's checkpoint; False if an unknown key signed it, None if it is no signed checkpoint."""
    try:
        header = json.loads(_decoded(line.strip().partition(b".")[0]))
        key = keys.get(header["kid"])
        if key is None:
            return False
        read = jws.deserialize_compact(line.strip(), key.jwk, algorithms=[ALGORITHM])
        said = _Payload.model_validate_json(read.payload or b"")
    except (JoseError, ValidationError, ValueError, KeyError, TypeError, RecursionError):
        return None
    values: dict[str, Any] = {"position": said.position, "at": said.at, "chain": said.chain}
    values["hash"] = bytes.fromhex(said.hash)
    if header.get("typ") == SEAL_TYPE and said.rule is not None:
        return Seal(**values, rule=said.rule)
    return Checkpoint(**values) if header.get("typ") == CHECKPOINT_TYPE and said.rule is None else None


def _public_keys(given: str) -> list[AuditKey]:
    if _PUBLIC.fullmatch(given):
        return [_of_public(given, "the key")]
    file = Path(given)
    try:
        lines = file.read_text("ascii").split()
    except (OSError, ValueError) as error:
        where = f"{file}: " if file.exists() else ""  # what is no file may be the private key
        raise ConfigError(
            f"{where}no public key: expected its 43 characters, as `deskhand keys list --audit` shows them, or a file "
            "with them"
        ) from error
    if not lines:
        raise ConfigError(f"{file}: it holds no public key")
    return [_of_public(line, str(file)) for line in lines]


def _of_public(public: str, where: str) -> AuditKey:
    refused = ConfigError(f"{where}: no public key: expected 43 characters of base64url (Ed25519)")
    if not _PUBLIC.fullmatch(public):
        raise refused
    try:
        return _key(OKPKey.import_key({"kty": "OKP", "crv": ALGORITHM, "x": public}))
    except (JoseError, ValueError) as error:
        raise refused from error


def _key(jwk: OKPKey) -> AuditKey:
    return AuditKey(jwk.thumbprint(), str(jwk.as_dict(private=False)["x"]), jwk)


def _decoded(part: bytes) -> bytes:
    try:
        return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except NotBase64 as error:
        raise ValueError("not base64url") from error


KIND = KeyKind(
    named="keys that sign checkpoints of the audit log",
    prefix="dhck",
    variable=VARIABLE,
    file_variable=FILE_VARIABLE,
    command="deskhand keys generate --audit",
    id_of=lambda secret: derived(secret).id,
)
"What these keys are, among all that the environment may hold."

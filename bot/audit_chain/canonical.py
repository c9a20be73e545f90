"""The form of a chained record: a JSON object, its bytes by RFC 8785 (JCS), its digest, and its hash in the chain.

    digest = SHA-256(JCS(record))
    hash = SHA-256("audit-v1" NUL position NUL prev digest)

`position` is a decimal number from 1 without gaps; `prev` is the hash of the record before, and 32 zero bytes for the
first. The chain hashes a digest and not the record, so that a database can chain a record without its text.

The form never changes: records of years ago must still verify. Another form has another tag than `audit-v1`.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.delegation import hashing

TAG = b"audit-v1"
HASH_BYTES = 32
BEFORE_THE_FIRST = bytes(HASH_BYTES)
"The first record has this in place of the hash of a record before it."
NAMES = ("at", "event", "actor", "subject", "ticket_id", "intent_id", "record")
"The names of a record's values; each is always there, with null for none."
LARGEST = 2**53 - 1
"The largest integer that every reader of JSON keeps exactly."
_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


def record_of(
    *,
    at: datetime,
    event: str,
    actor: str,
    subject: str | None,
    ticket_id: int | None,
    intent_id: int | None,
    record: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the JSON object that is hashed; a person is named by reference only (`bot.store.audit.people`)."""
    return {
        "at": time_of(at),
        "event": event,
        "actor": actor,
        "subject": subject,
        "ticket_id": ticket_id,
        "intent_id": intent_id,
        "record": record,
    }


def time_of(at: datetime) -> str:
    """Return a time as RFC 3339 text in UTC with six decimals: `2026-12-01T09:00:00.000000Z`."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def bytes_of(record: Mapping[str, Any]) -> bytes:
    """Return a record's canonical bytes (RFC 8785).

    Raises:
        ValueError: a value has no form in JSON that every reader understands, such as an integer above 2**53.
    """
    if _is_plain(record):  # a fifth of the time, and the same bytes
        return _ENCODE(record).encode()
    return hashing.canonical(record)


def digest_of(record: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of a record's canonical bytes, 32 bytes.

    Raises:
        ValueError: see `bytes_of`.
    """
    return hashlib.sha256(bytes_of(record)).digest()


def hash_of(position: int, prev: bytes, digest: bytes) -> bytes:
    """Return the hash that a record has in the chain, 32 bytes.

    Args:
        position: of the record, from 1.
        prev: hash of the record before, 32 bytes.
        digest: of the record, 32 bytes.

    Raises:
        ValueError: a hash or a position that no chain has; with another length the parts could be cut differently.
    """
    if position < 1 or len(prev) != HASH_BYTES or len(digest) != HASH_BYTES:
        raise ValueError("chain: a position is 1 or more, and each hash has 32 bytes")
    return hashlib.sha256(b"%b\0%d\0%b%b" % (TAG, position, prev, digest)).digest()


def _is_plain(value: Any) -> bool:
    """Return whether Python's own JSON has the canonical form: no float, no large integer, keys in plain letters.

    RFC 8785 orders keys by UTF-16, Python by code point; they differ only for keys that are not ASCII.
    """
    kind = type(value)
    if kind is int:
        return bool(-LARGEST <= value <= LARGEST)
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_plain(one) for key, one in value.items())
    if kind is list:
        return all(map(_is_plain, value))
    return value is None or kind is str or kind is bool

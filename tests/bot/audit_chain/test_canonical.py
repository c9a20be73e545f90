"""What is hashed of an audit record, and how: `bot.audit_chain.canonical`."""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785

from bot.audit_chain import canonical

RECORD = canonical.record_of(
    at=datetime(2026, 12, 1, 9, 0, 0, 120, UTC),
    event="tool.intended",
    actor="agent:access@1",
    subject=None,
    ticket_id=7,
    intent_id=None,
    record={"tool": "unlock", "args": {"b": [True, 2], "a": "ü\n"}},
)
WRITTEN = (
    '{"actor":"agent:access@1","at":"2026-12-01T09:00:00.000120Z","event":"tool.intended","intent_id":null,'
    '"record":{"args":{"a":"ü\\n","b":[true,2]},"tool":"unlock"},"subject":null,"ticket_id":7}'
).encode()


def test_a_record_has_one_form() -> None:
    """It is that of RFC 8785, and its digest the plain SHA-256 of those bytes: anybody can compute it."""
    assert canonical.bytes_of(RECORD) == WRITTEN
    assert canonical.digest_of(RECORD) == hashlib.sha256(WRITTEN).digest()
    assert canonical.digest_of(RECORD).hex() == "075f09d8449ebefb5263d329b362ce981853e07ff62e46f7eef87326ef534634"
    assert tuple(RECORD) == canonical.NAMES


def test_hashes_are_bound_to_position_and_predecessor() -> None:
    """Two links of a chain that were computed by hand, and are what sha256sum says of these bytes."""
    digest = canonical.digest_of(RECORD)
    first = canonical.hash_of(1, canonical.BEFORE_THE_FIRST, digest)
    assert first == hashlib.sha256(b"audit-v1\x001\x00" + bytes(32) + digest).digest()
    assert first.hex() == "32179c66d734e1cd8c967a36b6741d9118efa410821f0eb0433156b13da0ac09"
    assert canonical.hash_of(2, first, digest) == hashlib.sha256(b"audit-v1\x002\x00" + first + digest).digest()
    assert canonical.hash_of(12, first, digest) != canonical.hash_of(1, first, digest)


@pytest.mark.parametrize(("position", "prev", "digest"), [(0, 32, 32), (1, 31, 33), (1, 33, 31), (1, 0, 32)])
def test_parts_of_another_length_have_no_hash(position: int, prev: int, digest: int) -> None:
    """With 31 and 33 bytes the same text could be cut in two ways."""
    with pytest.raises(ValueError, match="each hash has 32 bytes"):
        canonical.hash_of(position, bytes(prev), bytes(digest))


def test_a_time_is_the_same_in_every_zone() -> None:
    """It is written in UTC with six decimals, even when they are zeros."""
    there = datetime(2026, 12, 1, 2, tzinfo=timezone(timedelta(hours=-7)))
    assert canonical.time_of(there) == "2026-12-01T09:00:00.000000Z"


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), "\ud800", {1: "one"}, {"a"}, b"a"])
def test_what_readers_of_json_would_see_differently_is_refused(value: object) -> None:
    """A record with such a value is refused before it is chained."""
    with pytest.raises(ValueError, match=r"canonical form|surrogates"):
        canonical.digest_of({"value": value})


@pytest.mark.parametrize("value", [2**53 - 1, 0.5, 1e21, 2.0, {"ü": 1, "z": 2}, {"\U0001f600": 1, "\uff5e": 2}, ("a",)])
def test_the_quick_way_is_taken_only_where_it_gives_the_same(value: object) -> None:
    """Floats, and keys that two alphabets order differently, have RFC 8785's form too."""
    assert canonical.bytes_of({"value": value}) == rfc8785.dumps({"value": value})  # type: ignore[dict-item]


def test_the_quick_way_gives_the_form_of_rfc_8785() -> None:
    """For 2,000 random records, with every character that JSON escapes and some of other planes."""
    seed = random.Random(18)
    characters = [*map(chr, range(130)), "é", "\u2028", "\uffff", "\U0001f600"]

    def text() -> str:
        return "".join(seed.choices(characters, k=seed.randrange(6)))

    def value(depth: int) -> Any:
        match seed.randrange(5 if depth else 3):
            case 0:
                return text()
            case 1:
                return seed.randrange(-(2**53) + 1, 2**53)
            case 2:
                return seed.choice([None, True, False])
            case 3:
                return [value(depth - 1) for _ in range(3)]
        return {text(): value(depth - 1) for _ in range(3)}

    for _ in range(2000):
        record = {text(): value(2) for _ in range(4)}
        assert canonical.bytes_of(record) == rfc8785.dumps(record)
        assert json.loads(canonical.bytes_of(record)) == record

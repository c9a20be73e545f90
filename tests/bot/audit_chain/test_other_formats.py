"""The formats of others: OCSF events, and an envelope by DSSE that anybody can check."""

import json
from base64 import b64decode, urlsafe_b64decode
from random import Random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.audit_chain import other_formats, proofs
from tests.support import log_copies

REQUIRED = {
    *("activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint", "time"),
    "type_uid",
}
"Of the class API Activity in OCSF 1.8.0."


def test_each_record_is_an_ocsf_event() -> None:
    """It has what the class requires, its numbers fit each other, and the whole record is in it."""
    log = log_copies.log_copy(Random(1))
    for link in log.links[:20]:
        event = json.loads(other_formats.ocsf_event(link, "c"))
        assert event.keys() >= REQUIRED
        assert event["class_uid"] == event["category_uid"] * 1000 + 3
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["unmapped"]["record"] == log_copies.record_in(link)
        assert event["metadata"]["sequence"] == link.position
        assert event["time"] == (log_copies.BEGAN.timestamp() + 10 * link.position) * 1000


@pytest.mark.parametrize("text", [None, b"{", b"[" * 2_000 + b"]" * 2_000])
def test_a_missing_record_still_has_its_place(text: bytes | None) -> None:
    """An event says its position and hash, and nothing else is made up; so does one that cannot be read."""
    link = log_copies.log_copy(Random(1)).links[4]._replace(text=text, digest=None)
    event = json.loads(other_formats.ocsf_event(link, "c"))
    assert event["unmapped"] == {
        "chain": {"hash": link.hash.hex(), "position": 5, "prev": link.prev.hex()},
        "record": {},
    }


def test_an_envelope_is_checked_by_the_public_key() -> None:
    """The signature is that of DSSE's own bytes, its statement names the file, and another payload does not pass."""
    key = proofs.derived(bytes(range(32)))
    head = log_copies.log_copy(Random(1)).head
    envelope = json.loads(other_formats.dsse_envelope(head, name="audit.ndjson", sha256="ab" * 32, key=key))
    payload, [signed] = b64decode(envelope["payload"]), envelope["signatures"]
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(f"{key.public}="))
    kind = envelope["payloadType"]
    public.verify(b64decode(signed["sig"]), f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)
    with pytest.raises(InvalidSignature):
        public.verify(b64decode(signed["sig"]), f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload[:-1])
    statement = json.loads(payload)
    assert statement["subject"] == [{"name": "audit.ndjson", "digest": {"sha256": "ab" * 32}}]
    assert statement["predicate"]["to"] == head.position
    assert signed["keyid"] == key.id

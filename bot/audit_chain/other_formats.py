"""The log in the formats of others: OCSF for systems that collect security events, DSSE for those that check origins.

OCSF (https://schema.ocsf.io) 1.8.0: each record is one event of the class API Activity (6003), which is for acts of a
program upon others. DSSE 1.0 (https://github.com/secure-systems-lab/dsse) with an in-toto Statement v1: an envelope
that says which export has which SHA-256, and which part of which log it holds.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bot.audit_chain import canonical
from bot.audit_chain.proofs import AuditKey, signature
from bot.audit_chain.tampering import Link
from bot.audit_chain.verification import LogHead

OCSF_VERSION: Final = "1.8.0"
CATEGORY, CLASS, OTHER = 6, 6003, 99
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "urn:deskhand:audit-export:v1"
_ACTIVITIES: Mapping[str, tuple[int, str]] = {
    **dict.fromkeys(("opened", "added", "granted", "made", "proposed", "registered", "enrolled"), (1, "Create")),
    **dict.fromkeys(("read", "looked", "exported", "seen"), (2, "Read")),
    **dict.fromkeys(("erased", "removed", "revoked", "deleted"), (4, "Delete")),
}
"What OCSF calls an act whose verb is one of these; tools are told by their effect, and others are `Other`."
_EFFECTS: Mapping[object, tuple[int, str]] = {"read": (2, "Read"), "write": (3, "Update")}
_STATUSES: Mapping[str, tuple[int, str]] = {
    **dict.fromkeys(("finished", "accepted", "resolved", "answered"), (1, "Success")),
    **dict.fromkeys(("refused", "failed", "code_refused", "unseen"), (2, "Failure")),
}
"What OCSF calls the end of an act whose verb is one of these; of others it is `Unknown`."


def ocsf_event(link: Link, chain: str) -> bytes:
    """Return a record as an OCSF event, one line.

    A record that is missing, or is no JSON, gives an event that says only its place in the chain.
    """
    try:
        found = json.loads(link.text or b"{}")
    except (ValueError, RecursionError):
        found = {}
    event, record = str(found.get("event", "")), found.get("record") or {}
    verb = event.rpartition(".")[2]
    activity, named = _EFFECTS.get(record.get("effect")) or _ACTIVITIES.get(verb, (OTHER, "Other"))
    status, status_named = _STATUSES.get(verb, (0, "Unknown"))
    actor: dict[str, Any] = {"app_name": "deskhand", "app_uid": found.get("actor")}
    if found.get("subject") is not None:
        actor["user"] = {"uid": found["subject"], "type_id": 1, "type": "User"}
    said = {
        "activity_id": activity,
        "activity_name": named,
        "actor": actor,
        "api": {"operation": event, "service": {"name": "deskhand"}},
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "metadata": {
            "event_code": event,
            "log_name": "audit",
            "product": {"name": "Deskhand", "vendor_name": "Deskhand"},
            "sequence": link.position,
            "uid": f"{chain}/{link.position}",
            "version": OCSF_VERSION,
        },
        "severity_id": 1,
        "src_endpoint": {"name": "deskhand"},
        "status": status_named,
        "status_id": status,
        "time": _milliseconds(found.get("at")),
        "type_uid": CLASS * 100 + activity,
        "unmapped": {
            "chain": {"hash": link.hash.hex(), "position": link.position, "prev": link.prev.hex()},
            "record": found,
        },
    }
    if found.get("ticket_id") is not None:
        said["resources"] = [{"type": "ticket", "uid": str(found["ticket_id"])}]
    return canonical.bytes_of(said) + b"\n"


def dsse_envelope(head: LogHead, *, name: str, sha256: str, key: AuditKey) -> bytes:
    """Return a signed envelope that vouches for an export.

    Args:
        head: the part of the log that the export holds.
        name: the name of the file.
        sha256: of the file, in hexadecimal.
        key: signs it.
    """
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE,
        "predicate": {
            "chain": head.chain,
            "from": head.first,
            "hash": head.hash.hex(),
            "prev": head.prev.hex(),
            "to": head.position,
        },
    }
    payload = canonical.bytes_of(statement)
    said = {
        "payload": b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.id, "sig": b64encode(signature(key, pre_authentication(payload))).decode()}],
    }
    return canonical.bytes_of(said) + b"\n"


def pre_authentication(payload: bytes) -> bytes:
    """Return the bytes that DSSE signs for a payload of an in-toto statement (PAE)."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _milliseconds(at: object) -> int:
    """Return a time of a record in milliseconds since 1970; 0 if it says none."""
    try:
        found = datetime.fromisoformat(str(at))
    except ValueError:
        return 0
    return int(found.replace(tzinfo=found.tzinfo or UTC).timestamp() * 1000)

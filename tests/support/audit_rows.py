"""The audit log as the database holds it, and its chain computed anew from the rows alone."""

import hashlib
import json
from datetime import UTC

import rfc8785
from sqlalchemy import select

from bot.store.db import Database
from bot.store.schema import AuditHead, AuditLink, AuditRow


def raw_records(database: Database) -> list[AuditRow]:
    """Return the rows with references in place of people."""
    with database.read() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.seq)))


def recomputed(database: Database) -> int:
    """Return how many records are in the chain, after everything in it was computed anew."""
    with database.read() as session:
        rows = {row.seq: row for row in session.scalars(select(AuditRow))}
        links = session.scalars(select(AuditLink).order_by(AuditLink.position)).all()
        head = session.scalars(select(AuditHead)).one()
    prev = bytes(32)
    for position, link in enumerate(links, 1):
        row = rows.pop(link.audit_seq)
        record = {
            name: getattr(row, name) for name in ("event", "actor", "subject", "ticket_id", "intent_id", "record")
        }
        record["at"] = row.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        digest = hashlib.sha256(rfc8785.dumps(json.loads(json.dumps(record)))).digest()
        assert (link.position, link.prev, row.digest) == (position, prev, digest)
        prev = hashlib.sha256(b"audit-v1\0" + str(position).encode() + b"\0" + prev + digest).digest()
        assert link.hash == prev
    assert rows == {}
    assert (head.position, head.hash) == (len(links), prev)
    return len(links)

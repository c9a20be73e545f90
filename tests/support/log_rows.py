"""Writes a copy of a log into the tables of a database as it is, with the guards off and without the product's code."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.audit_chain.tampering import Link
from bot.store.schema import AuditHead, AuditLink, AuditRow
from bot.store.sql import audit_guard
from tests.support.log_copies import LogCopy


def guards_off(session: Session) -> None:
    """Let a transaction change the audit tables; on SQLite for as long as its connection lives, so roll it back."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("ALTER TABLE audit_chain DROP CONSTRAINT uq_audit_chain_prev"))
        return
    connection = session.connection().connection.driver_connection
    assert connection is not None
    connection.set_authorizer(None)
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"
    for name in session.execute(text(query)).scalars().all():
        session.execute(text(f"DROP TRIGGER {name}"))


def guards_on(session: Session) -> None:
    """Let a connection of SQLite refuse changes again, after the transaction was rolled back."""
    if session.get_bind().dialect.name == "sqlite":
        connection = session.connection().connection.driver_connection
        assert connection is not None
        audit_guard.install(connection)


def write_copy(session: Session, copy: LogCopy) -> bool:
    """Put a copy into the tables in place of what is there; return False if the tables cannot hold it."""
    positions = [one.position for one in copy.links]
    if positions != sorted(set(positions)):
        return False
    if session.get_bind().dialect.name == "sqlite":  # where no constraint can be dropped
        session.execute(text("DROP TABLE audit_chain"))
        session.execute(text("CREATE TABLE audit_chain (position INTEGER PRIMARY KEY, audit_seq, prev, hash)"))
    try:
        rows = [_row(link, number) for number, link in enumerate(copy.links, start=1)]
        for table in (AuditLink, AuditRow):
            session.execute(delete(table))
        present = [row for row in rows if row is not None]
        session.execute(insert(AuditRow.__table__), present)  # type: ignore[arg-type]
        places = [{**one._asdict(), "audit_seq": number} for number, one in enumerate(copy.links, start=1)]
        names = ("position", "audit_seq", "prev", "hash")
        session.execute(insert(AuditLink.__table__), [{name: one[name] for name in names} for one in places])  # type: ignore[arg-type]
        head = copy.head
        session.execute(update(AuditHead).values(chain=head.chain, position=head.position, hash=head.hash))
    except (DBAPIError, ValueError, KeyError):
        return False
    return True


def _row(link: Link, number: int) -> dict[str, Any] | None:
    """Return a record as a row; None where there is none."""
    if link.digest is None:
        return None
    said = json.loads(link.text or b"")
    at = datetime.fromisoformat(said.pop("at"))
    return {**said, "at": at, "seq": number, "digest": link.digest}

"""Reads the log as `bot.audit_chain.verification` takes it: each record with the bytes that its hash is made of.

The bytes are put together from the columns, mostly without a look into the JSON. Where their SHA-256 is the digest that
the row has, they are the bytes that were chained; otherwise the row is read with care and written in canonical form.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from json.encoder import encode_basestring as quoted
from typing import Any

from sqlalchemy import TextClause, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.audit_chain import canonical
from bot.audit_chain.tampering import ChainFinding, Link, Tampering
from bot.audit_chain.verification import LogHead
from bot.errors import ConfigError, kind
from bot.store.audit import chain
from bot.store.schema import AuditHead, AuditPerson, Turn

BATCH = 5_000
_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LAST = 2**62
SHOWN = 20
"The most records outside the chain, or people, that are named one by one."
_TIMES = {
    "postgresql": """to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "sqlite": "replace(a.at, ' ', 'T') || 'Z'",
}
"The time of a record as the text that is hashed."


@contextmanager
def opened(transaction: AbstractContextManager[Session], *, alone: bool = False) -> Iterator["ChainReader"]:
    """Open the log as it is at one moment; the transaction cannot write from then on.

    Args:
        transaction: one that has not begun, such as `database.read()`.
        alone: nothing but the tables of the log is read, as by a role that may read no others.

    Raises:
        ConfigError: the database has no log that we may read.
        Transient: it cannot be reached.
    """
    try:
        with transaction as session:
            postgres = session.get_bind().dialect.name == "postgresql"
            session.execute(text(_ONE_MOMENT if postgres else "PRAGMA query_only = ON"))
            try:
                if not inspect(session.connection()).has_table(AuditHead.__tablename__):
                    raise ConfigError("database: it has no chained audit log yet: run `deskhand migrate`")
                yield ChainReader(session, alone=alone)
            finally:
                if not postgres:  # another transaction of the same connection may write
                    session.execute(text("PRAGMA query_only = OFF"))
    except DBAPIError as error:
        raise ConfigError(f"database: the audit log cannot be read: {kind(error)}") from error


class ChainReader:
    """Reads the records of one database in order, and keeps what is wrong with rows that the chain does not cover."""

    def __init__(self, session: Session, *, alone: bool = False) -> None:
        """Read how the log says that it ends.

        Raises:
            ConfigError: it has no head.
        """
        self.findings: list[ChainFinding] = []
        self._session = session
        self._dialect = session.get_bind().dialect.name
        found = chain.head(session)
        if found is None:
            raise ConfigError("database: the table audit_head is empty, so the audit log does not say which one it is")
        self.head = LogHead(
            chain=found.chain,
            position=found.position,
            hash=found.hash,
            unused=None if alone else _unused(session, self._dialect),
            elsewhere=None if alone else _newest_turn(session),
        )

    def batches(self, *, after: int = -_LAST, until: int = _LAST) -> Iterator[list[Link]]:
        """Yield the records after a position, up to one, many at a time; by default all, whatever their positions."""
        query = _links(self._dialect)
        while True:
            rows = self._session.execute(query, {"after": after, "until": until, "batch": BATCH}).all()
            if not rows:
                return
            yield [self._link(row) for row in rows]
            after = rows[-1][0]

    def start(self) -> tuple[int, bytes]:
        """Return the position of the first record and the hash before it; of the next record if there is none."""
        query = text("SELECT position, prev FROM audit_chain ORDER BY position LIMIT 1")
        found = self._session.execute(query).one_or_none()
        return (self.head.position + 1, self.head.hash) if found is None else (found[0], found[1])

    def hash_at(self, position: int) -> bytes | None:
        """Return the stored hash of a record; None: there is no such record."""
        query = text("SELECT hash FROM audit_chain WHERE position = :position")
        return self._session.execute(query, {"position": position}).scalar_one_or_none()

    def first_since(self, moment: str) -> int | None:
        """Return the position of the first record that is of a time or later, as a record says its time."""
        return self._position("min", f"{_TIMES[self._dialect]} >= :moment", moment)

    def last_before(self, moment: str) -> int | None:
        """Return the position of the last record that is of an earlier time."""
        return self._position("max", f"{_TIMES[self._dialect]} < :moment", moment)

    def _position(self, which: str, condition: str, moment: str) -> int | None:
        query = f"SELECT {which}(c.position) FROM audit_chain c JOIN audit a ON a.seq = c.audit_seq WHERE {condition}"  # noqa: S608 - our own words
        found: int | None = self._session.execute(text(query), {"moment": moment}).scalar_one()
        return found

    def look_beside(self) -> None:
        """Look for records that are not in the chain, and for people whose reference is not theirs."""
        outside = "SELECT a.seq FROM audit a LEFT JOIN audit_chain c ON c.audit_seq = a.seq WHERE c.position IS NULL"
        rows = self._session.execute(text(f"{outside} ORDER BY a.seq")).scalars().all()
        for seq in rows[:SHOWN]:
            says = f"row {seq} of the table audit is not in the chain"
            self.findings.append(ChainFinding(self.head.position + 1, self.head.position + 1, _OUTSIDE, says, row=seq))
        if len(rows) > SHOWN:
            says = f"{len(rows) - SHOWN} further rows of the table audit are not in the chain"
            self.findings.append(ChainFinding(self.head.position + 1, self.head.position + 1, _OUTSIDE, says))
        for reference in _wrong_people(self._session)[:SHOWN]:
            first = self._first_with(reference)
            says = f"the table audit_people says that {reference[:19]}... is somebody else than whom the records mean"
            self.findings.append(ChainFinding(first, first, (Tampering.EDIT, Tampering.SWAP), says))

    def _first_with(self, reference: str) -> int:
        """Return the position of the first record that names a reference; 0 for none."""
        query = text(
            "SELECT min(c.position) FROM audit a JOIN audit_chain c ON c.audit_seq = a.seq WHERE a.subject = :one "
            "OR a.actor LIKE :any OR a.subject LIKE :any OR CAST(a.record AS TEXT) LIKE :any"
        )
        found: int | None = self._session.execute(query, {"one": reference, "any": f"%{reference}%"}).scalar_one()
        return found or 0

    def _link(self, row: Sequence[Any]) -> Link:
        position, prev, stated, seq, at, event, actor, subject, ticket, intent, record, digest = row
        if event is None:
            return Link(position, prev, stated, None, None, seq)
        joined = (
            f'{{"actor":{quoted(actor)},"at":"{at}","event":{quoted(event)},"intent_id":{intent or "null"},'
            f'"record":{record},"subject":{"null" if subject is None else quoted(subject)},'
            f'"ticket_id":{ticket or "null"}}}'
        ).encode()
        made = hashlib.sha256(joined).digest()
        if made == digest:
            return Link(position, prev, stated, made, joined, seq)
        return self._with_care(row)

    def _with_care(self, row: Sequence[Any]) -> Link:
        """Return a record whose columns do not make the bytes at once: its JSON is not canonical, or it was changed."""
        position, prev, stated, seq, at, event, actor, subject, ticket, intent, record, digest = row
        values = {"at": at, "event": event, "actor": actor, "subject": subject, "ticket_id": ticket}
        try:
            said = canonical.bytes_of({**values, "intent_id": intent, "record": json.loads(record)})
        except (ValueError, TypeError, RecursionError):  # no JSON any more, or none that we would have written
            return Link(position, prev, stated, b"", None, seq)
        made = hashlib.sha256(said).digest()
        link = Link(position, prev, stated, made, said, seq)
        if made != digest and _fits(link):
            says = f"the digest that record {position} has is not that of its values, which its hash still fits"
            self.findings.append(ChainFinding(position, position, (Tampering.EDIT,), says, row=seq))
        return link


_OUTSIDE = (Tampering.INSERT, Tampering.DELETE)
"Either the record was put in, or its place in the chain was removed."


def _fits(link: Link) -> bool:
    try:
        return canonical.hash_of(link.position, link.prev, link.digest or b"") == link.hash
    except ValueError:
        return False


def _links(dialect: str) -> TextClause:
    return text(
        f"SELECT c.position, c.prev, c.hash, c.audit_seq, {_TIMES[dialect]}, a.event, a.actor, a.subject, a.ticket_id, "  # noqa: S608 - our own words
        "a.intent_id, CAST(a.record AS TEXT), a.digest FROM audit_chain c LEFT JOIN audit a ON a.seq = c.audit_seq "
        "WHERE c.position > :after AND c.position <= :until ORDER BY c.position LIMIT :batch"
    )


def _unused(session: Session, dialect: str) -> int | None:
    """Return how many row numbers were given out after that of the last row; None where they are given out again."""
    if dialect != "postgresql":
        return None
    query = (
        "SELECT (SELECT last_value FROM pg_sequences WHERE schemaname = current_schema() "
        "AND sequencename = 'audit_seq_seq') - (SELECT coalesce(max(seq), 0) FROM audit)"
    )
    found: int | None = session.execute(text(query)).scalar_one()
    return found


def _newest_turn(session: Session) -> str | None:
    """Return when a turn last ended, as a record says its time."""
    found = session.scalars(
        select(Turn.finished_at).where(Turn.finished_at.is_not(None)).order_by(Turn.finished_at.desc()).limit(1)
    ).first()
    return None if found is None else canonical.time_of(found)


def _wrong_people(session: Session) -> Sequence[str]:
    """Return the references that are not made of their salt and their person."""
    rows = session.execute(select(AuditPerson.reference, AuditPerson.salt, AuditPerson.slack_user)).all()
    return [one for one, salt, user in rows if one != f"person:{hashlib.sha256(salt + user.encode()).hexdigest()}"]

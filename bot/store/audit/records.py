"""Adds audit records, each in the transaction of the act that it records, and reads them with the ids of people.

An act of a tool is two records: `tool.intended` before the effect, and one outcome that names it.
The records hold ids, hashes and decisions; never the words of a person.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, func, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from bot.audit_chain import canonical
from bot.store.audit import people
from bot.store.schema import AuditLink, AuditPerson, AuditRow, now
from bot.store.sql import prebuilt

_COLUMNS = [column for column in AuditRow.__table__.columns if column.name != "seq"]
_READ = [column for column in AuditRow.__table__.columns if column.name != "digest"]
_OF_TICKETS = (
    select(*_READ)
    .where(
        AuditRow.ticket_id.in_(bindparam("tickets", expanding=True)),
        AuditRow.event.in_(bindparam("events", expanding=True)),
    )
    .order_by(AuditRow.seq)
)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An audit record as people read it: with Slack user ids, where `AuditRow` has references."""

    seq: int
    event: str
    actor: str
    subject: str | None
    ticket_id: int | None
    intent_id: int | None
    record: dict[str, Any]
    at: datetime


def append(
    session: Session,
    event: str,
    *,
    actor: str,
    subject: str | None = None,
    ticket_id: int | None = None,
    intent_id: int | None = None,
    **record: Any,
) -> int:
    """Add a record in the transaction of the act that it records, and return its number.

    Every Slack user id in it is stored as a reference. The database chains the record: PostgreSQL at the commit.

    Args:
        session: the open write transaction.
        event: `noun.verb` in the past tense.
        actor: a Slack user id, `agent:<name>@<release>`, `clock` or `operator`.
        subject: on whose behalf, a Slack user id.
        ticket_id: the ticket that it belongs to.
        intent_id: the intent that this outcome closes; the table refuses a second outcome.
        record: further facts, JSON values only; an integer beyond 2**53 is stored as text.

    Raises:
        ValueError: a fact has no form in JSON.
    """
    told = {"actor": actor, "subject": subject, "record": record}
    about = {"at": now(), "event": event, "ticket_id": ticket_id, "intent_id": intent_id}
    seq = _add(session, told, about)
    if seq is None:  # somebody was forgotten whose reference this process had kept
        people.drop_kept(session)
        seq = _add(session, told, about)
    assert seq is not None  # noqa: S101 - the references were looked up in this transaction
    return seq


def of_subject(session: Session, user: str) -> list[AuditRecord]:
    """Return the records of what was done, or refused, on somebody's behalf, in order."""
    of = AuditRow.subject.in_(people.references(session, user))
    return named(session, session.scalars(select(AuditRow).where(of).order_by(AuditRow.seq)).all())


def find(session: Session, seq: int) -> AuditRecord | None:
    """Return the record of a number, or None."""
    row = session.get(AuditRow, seq)
    return None if row is None else named(session, [row])[0]


def last(session: Session, event: str, **facts: str) -> AuditRecord | None:
    """Return the last record of an event with these facts, or None; it reads the log backwards up to there."""
    has = [AuditRow.record[name].as_string() == value for name, value in facts.items()]
    query = select(AuditRow).where(AuditRow.event == event, *has).order_by(AuditRow.seq.desc()).limit(1)
    row = session.scalars(query).one_or_none()
    return None if row is None else named(session, [row])[0]


def has_outcome(session: Session, intent: int) -> bool:
    """Return whether a record closes an intent."""
    return session.scalar(select(AuditRow.seq).where(AuditRow.intent_id == intent)) is not None


def of_ticket(session: Session, ticket_id: int) -> list[AuditRecord]:
    """Return the records of a ticket in order."""
    of = AuditRow.ticket_id == ticket_id
    return named(session, session.scalars(select(AuditRow).where(of).order_by(AuditRow.seq)).all())


def of_tickets(session: Session, ticket_ids: Collection[int], *, events: Collection[str]) -> list[AuditRecord]:
    """Return the records of some events in some tickets, in order."""
    found = prebuilt.rows(session, _OF_TICKETS, tickets=list(ticket_ids), events=list(events))
    return named(session, found.all())


def first_left(session: Session) -> AuditLink | None:
    """Return the place of the first record that is left; None: none was sealed and removed before it."""
    first = session.scalars(select(AuditLink).order_by(AuditLink.position).limit(1)).one_or_none()
    return None if first is None or first.position == 1 else first


def named(session: Session, rows: Sequence[AuditRow] | Sequence[Row[Any]]) -> list[AuditRecord]:
    """Return the records of rows, with the ids of the people whom they name by reference.

    Args:
        session: an open transaction.
        rows: rows of the log, or all columns of them but their digests.
    """
    texts = [text for row in rows for text in (row.actor, row.subject, json.dumps(row.record))]
    name = people.named(session, texts)
    return [
        AuditRecord(
            seq=row.seq,
            event=row.event,
            actor=name(row.actor),
            subject=name(row.subject),
            ticket_id=row.ticket_id,
            intent_id=row.intent_id,
            record=name(row.record),
            at=row.at,
        )
        for row in rows
    ]


def _add(session: Session, told: dict[str, Any], about: dict[str, Any]) -> int | None:
    """Add a record; return None if a person whom it names has no such reference any more."""
    referred, used = people.replaced(session, told)
    values = {**about, **referred}
    digest = canonical.digest_of(canonical.record_of(**values))
    references = {f"reference_{number}": one for number, one in enumerate(used)}
    added = prebuilt.rows(session, _addition(len(used)), digest=digest, **values, **references)
    return added.scalar_one_or_none()


@cache
def _addition(references: int) -> ReturningInsert[Any]:
    """Return the statement that adds a record, if all its references exist, and returns its number."""
    statement = insert(AuditRow).returning(AuditRow.seq)
    if not references:
        return statement
    asked: list[BindParameter[str]] = [bindparam(f"reference_{number}") for number in range(references)]
    known = select(func.count()).where(AuditPerson.reference.in_(asked)).scalar_subquery()
    values = select(*(bindparam(column.name, type_=column.type) for column in _COLUMNS)).where(known == references)
    return statement.from_select([column.name for column in _COLUMNS], values, include_defaults=False)

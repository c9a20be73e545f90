"""The audit log: who did what, for whom, in answer to which message. Rows are only ever added.

An act of a tool is two records: `tool.intended` before the effect, and one outcome that names it.
The records hold ids, hashes and decisions; never the words of a person.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from bot.store.schema import AuditRow
from bot.store.sql import prebuilt

_APPEND = insert(AuditRow).returning(AuditRow.seq)


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

    Args:
        session: the open write transaction.
        event: `noun.verb` in the past tense.
        actor: a Slack user id, `agent:<name>@<release>`, `clock` or `operator`.
        subject: on whose behalf, a Slack user id.
        ticket_id: the ticket that it belongs to.
        intent_id: the intent that this outcome closes; the table refuses a second outcome.
        record: further facts, JSON values only.
    """
    about = {"actor": actor, "subject": subject, "ticket_id": ticket_id, "intent_id": intent_id, "record": record}
    return prebuilt.rows(session, _APPEND, event=event, **about).scalar_one()


def of_subject(session: Session, subject: str) -> Sequence[AuditRow]:
    """Return the records of what was done, or refused, on somebody's behalf, in order."""
    return session.scalars(select(AuditRow).where(AuditRow.subject == subject).order_by(AuditRow.seq)).all()


def of_ticket(session: Session, ticket_id: int) -> Sequence[AuditRow]:
    """Return the records of a ticket in order."""
    return session.scalars(select(AuditRow).where(AuditRow.ticket_id == ticket_id).order_by(AuditRow.seq)).all()

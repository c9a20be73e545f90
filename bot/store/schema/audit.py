"""The audit log: one row for each act, without the words of people, and the chain that binds each to the one before.

`audit_guards` has the triggers that chain each record when it is committed and refuse every change.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Dialect, Index
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from bot.audit_chain import canonical
from bot.store.schema.base import Base, Id, now


class CanonicalJson(TypeDecorator[dict[str, Any]]):
    """JSON that is stored as its canonical text, so that whoever verifies a record need not parse it."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[dict[str, Any] | None], str | None]:
        """Return what makes the text, in place of the driver's own."""
        return lambda value: None if value is None else canonical.bytes_of(value).decode()


class AuditRow(Base):
    """One record of an act: never changed, never deleted. It names people by their references (`AuditPerson`)."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_ticket", "ticket_id"),
        Index("ix_audit_intent", "intent_id", unique=True),
    )

    seq: Mapped[int] = mapped_column(Id, primary_key=True)
    event: Mapped[str]
    "noun.verb in the past tense: tool.intended, tool.finished, handoff.claimed."
    actor: Mapped[str]
    subject: Mapped[str | None]
    ticket_id: Mapped[int | None] = mapped_column(Id)
    intent_id: Mapped[int | None] = mapped_column(Id)
    "The intent that this outcome closes; an intent has one outcome."
    record: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    at: Mapped[datetime] = mapped_column(default=now)
    digest: Mapped[bytes | None]
    "SHA-256 of the canonical record, 32 bytes, by which the database chains it; it refuses a row without one."


class AuditLink(Base):
    """The place of one record in the chain; the database itself adds it when the record is committed."""

    __tablename__ = "audit_chain"

    position: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    "From 1, without gaps, in the order in which records were committed."
    audit_seq: Mapped[int] = mapped_column(Id, unique=True)
    "`seq` of the record."
    prev: Mapped[bytes] = mapped_column(unique=True)
    "Hash of the record before; two records with the same one would be a fork."
    hash: Mapped[bytes]
    "See `bot.audit_chain.canonical`, 32 bytes."


class AuditHead(Base):
    """The end of the chain, in one row, which is locked while records are committed."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("place = 1", name="one"),)

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chain: Mapped[str]
    "Random id of this chain, by which two chains are told apart."
    position: Mapped[int] = mapped_column(Id)
    "Of the last record; 0: there is none yet."
    hash: Mapped[bytes]
    "Of the last record."


class AuditPerson(Base):
    """Who is meant by a reference: all that the log says of who somebody is. Forgetting them deletes these rows."""

    __tablename__ = "audit_people"
    __table_args__ = (Index("ix_audit_people_slack_user", "slack_user"),)

    reference: Mapped[str] = mapped_column(primary_key=True)
    "`person:` and the SHA-256 of salt and Slack user id, in hexadecimal."
    salt: Mapped[bytes]
    "Random, 16 bytes; without it nobody can tell by trying ids who was meant."
    slack_user: Mapped[str]

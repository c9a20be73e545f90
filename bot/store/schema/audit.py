"""The audit log: one row for each act, without the words of people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now


class AuditRow(Base):
    """One record of an act: never changed, never deleted."""

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
    record: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=now)

"""Agents as principals: their ids, for ever, and when each was suspended."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now


class AgentRow(Base):
    """The id of an agent, from the first process that read its card on; it is never deleted."""

    __tablename__ = "agents"

    name: Mapped[str] = mapped_column(primary_key=True)
    "Its id, which is the name of its folder."
    first_seen_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None]
    "When its card said so, or another's inherited its tickets; no card may use its id again."
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None]
    review_until: Mapped[str | None]
    "The day until which the last review holds, as `2026-11-22`; the card's `review_by` counts if it is later."
    reminded_at: Mapped[datetime | None]
    "When its owners were last told that its review is over."


class Suspension(Base):
    """A span in which an agent begins no step.

    An agent has at most one that lasts (a partial unique index ensures it, and finds it at once).
    """

    __tablename__ = "suspensions"
    __table_args__ = (
        Index(
            "uq_suspensions_lasting",
            "agent",
            unique=True,
            sqlite_where=text("over_at IS NULL"),
            postgresql_where=text("over_at IS NULL"),
        ),
        Index("ix_suspensions_agent", "agent", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str] = mapped_column(ForeignKey("agents.name"))
    cause: Mapped[str]
    "Why, in the words of who suspended it, redacted."
    by: Mapped[str]
    "Who suspended it, as in the audit log."
    at: Mapped[datetime] = mapped_column(default=now)
    over_at: Mapped[datetime | None]
    "When it was resumed; None: it is suspended."
    over_by: Mapped[str | None]

"""Surges: many tickets with one cause, which people look at once."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now
from bot.store.schema.enums import SurgeCause, SurgeEnd


class Surge(Base):
    """Many like tickets of one agent, or a directory that is down, from the first notice to the last follower.

    An agent has at most one surge of a cause under way (a partial unique index ensures it).
    """

    __tablename__ = "surges"
    __table_args__ = (
        Index(
            "uq_surges_under_way",
            "agent",
            "cause",
            unique=True,
            sqlite_where=text("over_at IS NULL"),
            postgresql_where=text("over_at IS NULL"),
        ),
        Index(
            "ix_surges_unsettled",
            "id",
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str]
    cause: Mapped[SurgeCause]
    reason: Mapped[str]
    "Why its tickets would go to a person without it; its followers' turns are counted under it."
    words: Mapped[list[Any]] = mapped_column(default=list)
    "The words that its tickets have in common; empty if the directory is down."
    handoff_id: Mapped[int] = mapped_column(ForeignKey("handoffs.id"))
    "The parent handoff: the one with which people look for the cause."
    left_out: Mapped[list[Any]] = mapped_column(default=list)
    "Ids of tickets that were locked when it began; the clock links them."
    channel: Mapped[str]
    "The help channel with the notice."
    language: Mapped[str]
    "The language of the notice."
    people: Mapped[int] = mapped_column(default=1)
    "Number of people that the card shows."
    shown_at: Mapped[datetime] = mapped_column(default=now)
    "When the card last showed that number."
    healthy: Mapped[int] = mapped_column(default=0)
    "Number of checks in a row in which the directory answered."
    checked_at: Mapped[datetime] = mapped_column(default=now)
    "When the directory was last checked."
    began_at: Mapped[datetime] = mapped_column(default=now)
    over_at: Mapped[datetime | None]
    over_by: Mapped[SurgeEnd | None]
    settled_at: Mapped[datetime | None]
    "When its last follower was told of the end."


class SurgeWatch(Base):
    """One agent; its row is locked while a transaction decides whether a surge begins."""

    __tablename__ = "surge_watches"

    agent: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)

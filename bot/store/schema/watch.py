"""What the clock has found in finished turns: drift, and the causes that owners were alerted of."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now
from bot.store.schema.enums import listed
from bot.store.schema.watch_enums import AlertKind, DriftStream


class DriftCheck(Base):
    """The latest comparison of one stream and window with the reference; each check replaces the one before."""

    __tablename__ = "drift_checks"
    __table_args__ = (
        UniqueConstraint("agent", "release", "stream", "window"),
        CheckConstraint(f"stream IN ({listed(DriftStream)})", name="stream"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str]
    release: Mapped[str]
    "The release that served the tickets of the window."
    stream: Mapped[DriftStream]
    window: Mapped[int]
    "How many of the last tickets are compared."
    reference_release: Mapped[str]
    "The release that served the tickets of the reference: the same one, or the one before it."
    reference: Mapped[int]
    "How many tickets the reference has."
    p_value: Mapped[float]
    "How likely a difference at least this large is when nothing has changed."
    effect: Mapped[float]
    "Cramér's V of the window against the reference, without the part that chance explains."
    detectable: Mapped[float]
    "The smallest shift of a share that this window finds in four of five cases, from 0 to 1."
    drifted: Mapped[bool]
    "Whether both the p-value and the effect passed their limits."
    moved: Mapped[list[Any]] = mapped_column(default=list)
    "What moved most, each its name and its share before and now."
    at: Mapped[datetime] = mapped_column(default=now)


class OwnerAlert(Base):
    """One cause of which an agent's owners are alerted: found once, told once, closed once.

    The clock writes a cause down when it finds it, and tells it in a transaction of its own, so that a clock that dies
    between the two loses nothing and tells nothing twice.
    """

    __tablename__ = "owner_alerts"
    __table_args__ = (
        Index(
            "uq_owner_alerts_open",
            "agent",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_owner_alerts_untold",
            "id",
            sqlite_where=text("told_at IS NULL OR (closed_at IS NOT NULL AND close_told_at IS NULL)"),
            postgresql_where=text("told_at IS NULL OR (closed_at IS NOT NULL AND close_told_at IS NULL)"),
        ),
        Index("ix_owner_alerts_told_at", "agent", "told_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str]
    kind: Mapped[AlertKind]
    subject: Mapped[str]
    "What the cause is about: a release, a tool, a model or a part of Deskhand. An agent has one open alert for each."
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    "What was found, as `bot.store.figures.owner_alerts` describes it for each kind."
    found_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    "When it was last seen."
    told_at: Mapped[datetime | None]
    "None: the owners have not been told yet, as a day has only so many alerts."
    closed_at: Mapped[datetime | None]
    close_told_at: Mapped[datetime | None]


class Watermark(Base):
    """How far a check of finished turns has got: a check moves its mark and stores what it found in one transaction."""

    __tablename__ = "watermarks"

    name: Mapped[str] = mapped_column(primary_key=True)
    "`turns`, `samples`, `samples:begin`, or `drift:` and an agent's name."
    turn_id: Mapped[int] = mapped_column(Id)
    finished_at: Mapped[datetime]
    "When that turn ended: turns are checked in the order in which they end."
    at: Mapped[datetime] = mapped_column(default=now)

"""Turns of production that are looked at again, and how many turns they stand for."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now
from bot.store.schema.enums import listed
from bot.store.schema.eval_enums import SampledFor

_UNSCORED, _FAILED = text("scored_at IS NULL"), text("NOT passed")
_UNJUDGED = text("judge_due_at IS NOT NULL")


class Sample(Base):
    """A turn that was kept to be scored; it is scored once."""

    __tablename__ = "samples"
    __table_args__ = (
        UniqueConstraint("turn_id"),
        CheckConstraint(f"kept_for IN ({listed(SampledFor)})", name="kept_for"),
        Index("ix_samples_week", "agent", "release", "week", "draw"),
        Index("ix_samples_unscored", "id", sqlite_where=_UNSCORED, postgresql_where=_UNSCORED),
        Index("ix_samples_unjudged", "judge_due_at", sqlite_where=_UNJUDGED, postgresql_where=_UNJUDGED),
        Index("ix_samples_failed", "agent", "finished_at", sqlite_where=_FAILED, postgresql_where=_FAILED),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    agent: Mapped[str]
    release: Mapped[str]
    week: Mapped[str]
    "The Monday (UTC) of the week in which the turn ended, as `2026-11-23`."
    finished_at: Mapped[datetime]
    kept_for: Mapped[SampledFor]
    draw: Mapped[float]
    "Its number from 0 to 1, made of its id alone: the smallest of a week are drawn."
    kept_at: Mapped[datetime] = mapped_column(default=now)
    scored_at: Mapped[datetime | None]
    passed: Mapped[bool | None]
    "Whether every invariant held; None: it is not scored yet."
    failures: Mapped[list[Any]] = mapped_column(default=list)
    "Each invariant that did not hold, with a sentence that says what was seen."
    judge_due_at: Mapped[datetime | None]
    "When the judge is to be asked about its answer; later while one asks. None: it is not to be asked, or has said."
    judge_asked: Mapped[int] = mapped_column(default=0)
    "How often somebody has set out to ask the judge."
    judged_at: Mapped[datetime | None]
    judged_good: Mapped[bool | None]
    "Whether the judge called tone and groundedness good; None: it was not judged."
    judgement: Mapped[dict[str, Any] | None]
    "What the judge said: tone, grounded, because (redacted), model and the judge's fingerprint."


class SampledWeek(Base):
    """How many turns of a release ended in a week and could have been kept."""

    __tablename__ = "sampled_weeks"

    agent: Mapped[str] = mapped_column(primary_key=True)
    release: Mapped[str] = mapped_column(primary_key=True)
    week: Mapped[str] = mapped_column(primary_key=True)
    turns: Mapped[int]

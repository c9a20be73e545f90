"""How well the judges of evaluations agree with people."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, Money, now


class JudgeCalibration(Base):
    """A judge was measured by answers that people have labelled; it counts for exactly that model and prompt."""

    __tablename__ = "judge_calibrations"
    __table_args__ = (Index("ix_judge_calibrations_judge", "agent", "judge"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str]
    model: Mapped[str]
    judge: Mapped[str]
    "Fingerprint of the judge's model and of all that it is told."
    good: Mapped[int]
    good_found: Mapped[int]
    "How many of the good answers the judge called good."
    bad: Mapped[int]
    bad_found: Mapped[int]
    "How many of the bad answers the judge called bad."
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)
    at: Mapped[datetime] = mapped_column(default=now)
    by: Mapped[str]

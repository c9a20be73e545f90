"""Which releases were made the baseline that later ones are held against."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now


class Promotion(Base):
    """A release became the baseline of its agent; the promotion with the highest number counts."""

    __tablename__ = "promotions"
    __table_args__ = (UniqueConstraint("agent", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str]
    number: Mapped[int]
    "Counts the promotions of the agent, from 1: of two at the same moment, one is refused."
    release: Mapped[str] = mapped_column(ForeignKey("releases.fingerprint"))
    suite: Mapped[str]
    "The suite that it had passed."
    at: Mapped[datetime] = mapped_column(default=now)
    by: Mapped[str]
    "A Slack user id, or who started the run that promoted the first one."

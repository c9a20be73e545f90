"""What the dashboard counts, added up by day, so that it need not read every turn again."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base
from bot.store.schema.enums import listed
from bot.store.schema.watch_enums import CountedEvents


class FigureDay(Base):
    """How far the events of one UTC day are in `figure_counts`."""

    __tablename__ = "figure_days"
    __table_args__ = (CheckConstraint(f"events IN ({listed(CountedEvents)})", name="events"),)

    day: Mapped[str] = mapped_column(primary_key=True)
    "The day on which the events happened, as `2026-11-22`."
    events: Mapped[CountedEvents] = mapped_column(primary_key=True)
    counted_until: Mapped[datetime]
    "What happened on the day before this time is counted."
    version: Mapped[int] = mapped_column(default=0)
    "Goes up with each change of the row: who has counted for an older version writes nothing."


class FigureCounts(Base):
    """What was counted for one agent and one UTC day of the dashboard."""

    __tablename__ = "figure_counts"
    __table_args__ = (CheckConstraint(f"events IN ({listed(CountedEvents)})", name="events"),)

    day: Mapped[str] = mapped_column(primary_key=True)
    "The day on which it is shown: a handoff is shown on the day on which it was opened."
    agent: Mapped[str] = mapped_column(primary_key=True)
    events: Mapped[CountedEvents] = mapped_column(primary_key=True)
    counts: Mapped[dict[str, Any]]
    'What is counted, each with its keys and how many there are: `{"outcome": {"reply": 3}}`.'


class SuccessDay(Base):
    """What had become, by a time, of the requests that were opened on one UTC day; see `figures.success_days`."""

    __tablename__ = "success_days"

    day: Mapped[str] = mapped_column(primary_key=True)
    "The day on which the requests were opened, as `2026-11-22`."
    counted_at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]
    "By agent, what is counted, each with its keys and how many there are."

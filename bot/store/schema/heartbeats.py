"""Which processes have been heard of lately."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base


class Heartbeat(Base):
    """The last sign of a kind: that a process lives, or that Slack has dropped events."""

    __tablename__ = "signs"

    kind: Mapped[str] = mapped_column(primary_key=True)
    "clock, web or dropped"
    who: Mapped[str]
    "Host and process that gave it; of dropped events the workspace."
    at: Mapped[datetime]

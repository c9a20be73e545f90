"""When each kind of process last reported that it is alive."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base


class Heartbeat(Base):
    """The last heartbeat of a kind of process, or the last time that Slack dropped events."""

    __tablename__ = "signs"

    kind: Mapped[str] = mapped_column(primary_key=True)
    "clock, web, socket, worker, dropped or checkpoint"
    who: Mapped[str]
    "Host and process; for dropped events the workspace."
    at: Mapped[datetime]

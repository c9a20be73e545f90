"""App Homes that people have opened."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, now


class Home(Base):
    """One person's App Home, and what it showed last."""

    __tablename__ = "homes"

    user: Mapped[str] = mapped_column(primary_key=True)
    team: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    "When it was last opened; after a day it is no longer updated."
    mark: Mapped[str] = mapped_column(default="")
    "State of the tables (`homes.mark`) from which it was last drawn; when it differs, the home may be stale."
    shown: Mapped[str] = mapped_column(default="")
    "Hash of what it shows, so that the same view is not published twice."
    due_at: Mapped[datetime] = mapped_column(default=now)
    "The earliest time at which it may be published again."

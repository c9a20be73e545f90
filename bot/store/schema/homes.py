"""App Homes that somebody has opened."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, now


class Home(Base):
    """One person's App Home, and what it showed last."""

    __tablename__ = "homes"

    user: Mapped[str] = mapped_column(primary_key=True)
    team: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    "Last; one that nobody has looked at for a day is left alone."
    mark: Mapped[str] = mapped_column(default="")
    "How far the tables had got when it was looked at last; elsewhere means: look again."
    shown: Mapped[str] = mapped_column(default="")
    "Hash of what it shows, so that nothing is published twice."
    due_at: Mapped[datetime] = mapped_column(default=now)
    "Nobody else publishes it before."

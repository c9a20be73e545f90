"""Which processes have been heard of lately."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base


class Sign(Base):
    """The last sign of life of a kind of process."""

    __tablename__ = "signs"

    kind: Mapped[str] = mapped_column(primary_key=True)
    "clock or web"
    who: Mapped[str]
    "Host and process that gave it."
    at: Mapped[datetime]

"""Which installation or demo this database belongs to."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base


class Mark(Base):
    """The one row that says which installation or demo this database belongs to."""

    __tablename__ = "marks"
    __table_args__ = (CheckConstraint("place = 1", name="one"),)

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    "Always 1, so that of two processes that mark at once only one succeeds."
    kind: Mapped[str]
    "installation or demo"
    ground: Mapped[str]
    "Id of the installation or demo."
    team: Mapped[str | None]
    "Slack's id of the workspace that it serves; None until a bot token has shown it."
    at: Mapped[datetime]

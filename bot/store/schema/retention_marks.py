"""How far the erasing of old words has got, where they belong to no ticket."""

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id


class RetentionMark(Base):
    """The last row that a search looked at; rows are looked at in the order of their ids."""

    __tablename__ = "retention_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    "The table; or `in Slack`, for the tickets whose messages are looked for there."
    row_id: Mapped[int] = mapped_column(Id)

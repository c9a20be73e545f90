"""Who approves with a code of an authenticator app."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, now


class Approver(Base):
    """A person who has enrolled an authenticator app; the card says whether they may approve anything."""

    __tablename__ = "approvers"

    user: Mapped[str] = mapped_column(primary_key=True)
    "Slack user id."
    secret: Mapped[str]
    "The secret of their app, encrypted; see `bot.second_step.secret_box`."
    enrolled_at: Mapped[datetime] = mapped_column(default=now)
    enrolled_by: Mapped[str]
    "Who enrolled them, as in the audit log."
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    "The time step of the last code that was accepted: neither it nor an earlier one is accepted again."
    failures: Mapped[int] = mapped_column(default=0)
    "Wrong codes since the last right one."
    locked_at: Mapped[datetime | None]
    "When there were too many of them; None: they are not locked."

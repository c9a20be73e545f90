"""Accounts that are watched after a change that a person approved, such as a reset of second factors."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, now


class AccountWatch(Base):
    """A watch over the sign-ins of one account, which begins when its owner was told of the change."""

    __tablename__ = "account_watches"

    approval_id: Mapped[int] = mapped_column(ForeignKey("approvals.id"), primary_key=True, autoincrement=False)
    began_at: Mapped[datetime] = mapped_column(default=now)
    found_at: Mapped[datetime | None]
    "When an odd sign-in was found, which ends the watch; None: none so far."

"""The local directory."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now


class AccountRow(Base):
    """An account of the local directory."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(index=True)
    "Not unique: a directory may hold two accounts with one address, and then neither is changed."
    slack_user: Mapped[str | None] = mapped_column(index=True)
    "Slack user id of its owner; it takes precedence over the address. None: the directory does not know it."
    name: Mapped[str]
    status: Mapped[str]
    lock_reason: Mapped[str | None]
    privileged: Mapped[bool] = mapped_column(default=False)
    liftable: Mapped[bool] = mapped_column(default=False)
    factors: Mapped[list[Any]] = mapped_column(default=list)
    password_changed_at: Mapped[datetime | None]
    manager: Mapped[str | None]
    "The id of their manager's account. It may be missing here, as in a directory that was copied in part."


class SignInRow(Base):
    """A sign-in attempt at the local directory."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    at: Mapped[datetime]
    ok: Mapped[bool]
    why: Mapped[str] = mapped_column(default="")
    place: Mapped[str | None]
    "Where the attempt came from; None: unknown."


class DirectoryWrite(Base):
    """A change made in the local directory, once for its idempotency key."""

    __tablename__ = "directory_writes"

    key: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    action: Mapped[str]
    before: Mapped[str]
    "What was changed, as it was: the account's state, or its second factors."
    after: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)

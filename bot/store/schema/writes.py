"""What limits writes to one account, whichever directory holds it: their number, and one use of each delegation."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now
from bot.store.schema.enums import DirectoryAgreement, WriteState, listed


class BoundedAccount(Base):
    """An account that was changed or is about to be; its row is locked while its writes are counted."""

    __tablename__ = "bounded_accounts"

    account: Mapped[str] = mapped_column(primary_key=True)


class AccountWrite(Base):
    """An allowed write to an account, stored before it is made; one for each step of a turn."""

    __tablename__ = "account_writes"
    __table_args__ = (
        UniqueConstraint("turn_id", "step"),
        CheckConstraint(f"state IN ({listed(WriteState)})", name="state"),
        Index("ix_account_writes_account", "account", "at"),
        Index(
            "ix_account_writes_look_at",
            "look_at",
            sqlite_where=text("look_at IS NOT NULL"),
            postgresql_where=text("look_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str]
    tool: Mapped[str]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"))
    step: Mapped[int]
    state: Mapped[WriteState] = mapped_column(default=WriteState.BEGUN)
    at: Mapped[datetime] = mapped_column(default=now)
    agreement: Mapped[DirectoryAgreement | None]
    "What the directory showed when it was last read back; None: it was not, as nothing was written, or not yet."
    look_at: Mapped[datetime | None]
    "When the directory is read back again; None: it need not be, or has been asked for long enough."


class UsedToken(Base):
    """A delegation token that a tool's door has accepted; the key makes it good for one use."""

    __tablename__ = "used_tokens"

    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    "When the token expires; the row is of no use a while after that."

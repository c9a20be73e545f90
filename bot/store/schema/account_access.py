"""What the local directory keeps of how people reach their accounts: sessions, challenges, and notices to them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.principals import ChallengeState
from bot.store.schema.base import Base, Id, Value, now
from bot.store.schema.enums import listed


class AccountSession(Base):
    """A device on which somebody is or was signed in to an account of the local directory."""

    __tablename__ = "account_sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    device: Mapped[str]
    place: Mapped[str | None]
    "Where the sign-in came from; None: unknown."
    began_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]
    "When it was ended from outside; None while it lasts."
    revoked_by: Mapped[str | None]
    "The idempotency key under which it was ended."


class FactorChallenge(Base):
    """A question that the local directory sent to a second factor of an account, answered once at most."""

    __tablename__ = "factor_challenges"
    __table_args__ = (CheckConstraint(f"state IN ({listed(ChallengeState)})", name="state"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    "The idempotency key under which it was sent."
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    factor: Mapped[str]
    number: Mapped[str]
    "Two digits, which the person is told elsewhere and must type on the device."
    state: Mapped[ChallengeState] = mapped_column(Value(ChallengeState), default=ChallengeState.ASKED)
    "As it was last written: nothing is written when the time is over, see `expires_at`."
    wrong_numbers: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class AccountNotice(Base):
    """A notice that the local directory sent to the address on file of an account."""

    __tablename__ = "account_notices"

    key: Mapped[str] = mapped_column(primary_key=True)
    "The idempotency key under which it was sent."
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    address: Mapped[str]
    "The address on file at that time."
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)

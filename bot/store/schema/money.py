"""What every model call costs."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Money, now


class LedgerRow(Base):
    """The money of one model call: one HTTP attempt, written before it leaves."""

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint("state IN ('sent', 'settled', 'charged')", name="state"),
        CheckConstraint("cost_nusd >= 0 AND reserved_nusd >= 0", name="money"),
        Index("ix_ledger_channel", "channel", "at"),
        Index("ix_ledger_user", "user", "at"),
        Index("ix_ledger_at", "at"),
        Index("ix_ledger_sent", "state", "lease_until"),
    )

    rid: Mapped[str] = mapped_column(primary_key=True)
    "The reservation's id."
    state: Mapped[str] = mapped_column(default="sent")
    "sent, settled at the true cost, or charged at the worst case when the outcome stayed unknown"
    team: Mapped[str]
    channel: Mapped[str]
    user: Mapped[str]
    agent: Mapped[str]
    release: Mapped[str]
    purpose: Mapped[str] = mapped_column(default="turn")
    "turn or eval"
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"), index=True)
    step: Mapped[int]
    tool: Mapped[str | None]
    "The first tool that the answer called."
    model: Mapped[str]
    price_version: Mapped[str]
    accounts: Mapped[list[Any]]
    "Budget account keys that the reservation holds."
    reserved_nusd: Mapped[int] = mapped_column(Money)
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)
    "What counts against the budgets once it is settled or charged."
    input_tokens: Mapped[int] = mapped_column(default=0)
    cache_read_tokens: Mapped[int] = mapped_column(default=0)
    cache_write_5m_tokens: Mapped[int] = mapped_column(default=0)
    cache_write_1h_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(default=now)
    lease_until: Mapped[datetime]
    settled_at: Mapped[datetime | None]

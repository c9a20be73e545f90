"""What each model call costs and at which prices, and what people were told and decided about budgets."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, Money, now
from bot.store.schema.enums import LedgerState, Purpose, ReviewState, listed

REPORTED = (
    *("cost_nusd", "channel", "user", "team", "agent", "purpose", "state", "reserved_nusd"),
    *("ticket_id", "turn_id", "tool", "model"),
    *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"),
)


class LedgerRow(Base):
    """The cost of one model call: one HTTP attempt, written down before the request leaves."""

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(LedgerState)})", name="state"),
        CheckConstraint("cost_nusd >= 0 AND reserved_nusd >= 0", name="money"),
        Index("ix_ledger_channel", "channel", "at"),
        Index("ix_ledger_user", "user", "at"),
        # Holds every column that reports read: they read many calls, and a whole row is four times as wide.
        Index("ix_ledger_at", "at", *REPORTED),
        Index("ix_ledger_sent", "state", "lease_until"),
    )

    rid: Mapped[str] = mapped_column(primary_key=True)
    "Id of the reservation."
    state: Mapped[LedgerState] = mapped_column(default=LedgerState.SENT)
    team: Mapped[str]
    channel: Mapped[str]
    user: Mapped[str]
    agent: Mapped[str]
    release: Mapped[str]
    purpose: Mapped[Purpose] = mapped_column(default=Purpose.TURN)
    "turn or eval"
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"), index=True)
    step: Mapped[int]
    tool: Mapped[str | None]
    "The first tool that the answer called."
    model: Mapped[str]
    price_version: Mapped[str]
    accounts: Mapped[list[Any]]
    "Budget keys on which the reservation holds money."
    reserved_nusd: Mapped[int] = mapped_column(Money)
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)
    "What counts against the budgets once the call is settled or charged."
    input_tokens: Mapped[int] = mapped_column(default=0)
    cache_read_tokens: Mapped[int] = mapped_column(default=0)
    cache_write_5m_tokens: Mapped[int] = mapped_column(default=0)
    cache_write_1h_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    usage: Mapped[dict[str, Any] | None]
    "The usage that the response reported, with service tier, speed, geography, searches and samplings."
    at: Mapped[datetime] = mapped_column(default=now)
    lease_until: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class PriceVersion(Base):
    """The rates from which costs were computed, kept as long as a ledger row names them."""

    __tablename__ = "price_versions"

    version: Mapped[str] = mapped_column(primary_key=True)
    rates: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime] = mapped_column(default=now)


class BudgetNotice(Base):
    """A soft cap that was passed, once in its window; people are alerted from this row."""

    __tablename__ = "budget_notices"
    __table_args__ = (
        UniqueConstraint("account", "percent"),
        Index(
            "ix_budget_notices_untold",
            "id",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str]
    "`channel:C0HELP:2026-11-22`"
    percent: Mapped[int]
    scope: Mapped[str]
    holder: Mapped[str]
    window_start: Mapped[datetime]
    resets_at: Mapped[datetime]
    limit_nusd: Mapped[int] = mapped_column(Money)
    spent_nusd: Mapped[int] = mapped_column(Money)
    "What was spent when this was noticed."
    agent: Mapped[str | None]
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"), index=True)
    "The turn whose call passed the cap; None: an evaluation's call, or the clock noticed it."
    at: Mapped[datetime] = mapped_column(default=now)
    told_at: Mapped[datetime | None]


class BudgetReview(Base):
    """A hard cap that a call did not fit under; its owner raises it for this window or denies that, once."""

    __tablename__ = "budget_reviews"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(ReviewState)})", name="state"),
        CheckConstraint("raised_nusd >= 0", name="money"),
        Index("ix_budget_reviews_account", "account"),
        Index("ix_budget_reviews_holder", "scope", "holder", "resets_at"),
        Index(
            "ix_budget_reviews_untold",
            "id",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
        Index(
            "ix_budget_reviews_open",
            "account",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str]
    scope: Mapped[str]
    holder: Mapped[str]
    window_start: Mapped[datetime]
    resets_at: Mapped[datetime]
    limit_nusd: Mapped[int] = mapped_column(Money)
    "The limit in force when the call was refused, with earlier raises."
    spent_nusd: Mapped[int] = mapped_column(Money)
    held_nusd: Mapped[int] = mapped_column(Money)
    needed_nusd: Mapped[int] = mapped_column(Money)
    "The most that the refused call could have cost (its worst case)."
    agent: Mapped[str]
    channel: Mapped[str]
    user: Mapped[str]
    "Whose request was refused."
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"))
    state: Mapped[ReviewState] = mapped_column(default=ReviewState.OPEN)
    raised_nusd: Mapped[int] = mapped_column(Money, default=0)
    "What may be spent beyond the limit until the window ends."
    decided_by: Mapped[str | None]
    why: Mapped[str | None]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    "When Redis dropped the account after a raise, so that it opens again with the new limit."
    told_at: Mapped[datetime | None]
    waiting: Mapped[int] = mapped_column(default=0)
    "Number of unclaimed requests that only this budget blocks, as its cards show."
    goes_on_by: Mapped[str | None]
    "Slack user id of the owner who lets the agent go on with them after the raise."
    goes_on_at: Mapped[datetime | None]
    gone_on: Mapped[int] = mapped_column(default=0)
    "Number of requests that the agent has gone on with."
    still: Mapped[list[Any] | None]
    "Why other requests stay with people (`money.after_raise.Cause`), with their number; None: not determined yet."

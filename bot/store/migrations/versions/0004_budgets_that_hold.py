"""what a call used in full, the prices it was worked out from, soft caps that were passed, reviews of hard ones."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
UNTOLD = sa.text("told_at IS NULL")
OPEN = sa.text("state = 'open'")
REPORTED = (
    *("cost_nusd", "channel", "user", "team", "agent", "purpose", "state", "reserved_nusd"),
    *("ticket_id", "turn_id", "tool", "model"),
    *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"),
)


def upgrade() -> None:
    op.drop_index("ix_ledger_at", "ledger")
    op.create_index("ix_ledger_at", "ledger", ["at", *REPORTED])
    op.add_column("ledger", sa.Column("usage", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "price_versions",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("rates", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_price_versions")),
    )
    op.create_table(
        "budget_notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        *_account(),
        sa.Column("limit_nusd", sa.BigInteger(), nullable=False),
        sa.Column("spent_nusd", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("turn_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_budget_notices_turn_id_turns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_notices")),
        sa.UniqueConstraint("account", "percent", name=op.f("uq_budget_notices_account_percent")),
    )
    op.create_index(op.f("ix_budget_notices_turn_id"), "budget_notices", ["turn_id"])
    op.create_index("ix_budget_notices_untold", "budget_notices", ["id"], sqlite_where=UNTOLD, postgresql_where=UNTOLD)
    op.create_table(
        "budget_reviews",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        *_account(),
        sa.Column("limit_nusd", sa.BigInteger(), nullable=False),
        sa.Column("spent_nusd", sa.BigInteger(), nullable=False),
        sa.Column("held_nusd", sa.BigInteger(), nullable=False),
        sa.Column("needed_nusd", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("ticket_id", ID, nullable=True),
        sa.Column("turn_id", ID, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raised_nusd", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("applied_at", MOMENT, nullable=True),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'raised', 'denied', 'ended', 'changed')", name=op.f("ck_budget_reviews_state")
        ),
        sa.CheckConstraint("raised_nusd >= 0", name=op.f("ck_budget_reviews_money")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_budget_reviews_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_budget_reviews_turn_id_turns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_reviews")),
    )
    op.create_index("ix_budget_reviews_account", "budget_reviews", ["account"])
    op.create_index("ix_budget_reviews_holder", "budget_reviews", ["scope", "holder", "resets_at"])
    op.create_index(op.f("ix_budget_reviews_ticket_id"), "budget_reviews", ["ticket_id"])
    op.create_index("ix_budget_reviews_untold", "budget_reviews", ["id"], sqlite_where=UNTOLD, postgresql_where=UNTOLD)
    op.create_index(
        "ix_budget_reviews_open", "budget_reviews", ["account"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )


def _account() -> tuple[sa.Column[Any], ...]:
    """Return the columns that say which account it was, in which window."""
    return (
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("resets_at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("budget_reviews")
    op.drop_table("budget_notices")
    op.drop_table("price_versions")
    op.drop_column("ledger", "usage")
    op.drop_index("ix_ledger_at", "ledger")
    op.create_index("ix_ledger_at", "ledger", ["at"])

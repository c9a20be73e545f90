"""local directory: managers, sessions, challenges to second factors, and notices to the address on file."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("accounts", sa.Column("manager", sa.Text(), nullable=True))
    op.create_table(
        "account_sessions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("began_at", _Time, nullable=False),
        sa.Column("revoked_at", _Time, nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_account_sessions_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_sessions")),
    )
    op.create_index(op.f("ix_account_sessions_account_id"), "account_sessions", ["account_id"])
    op.create_table(
        "factor_challenges",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wrong_numbers", sa.Integer(), nullable=False),
        sa.Column("asked_at", _Time, nullable=False),
        sa.Column("expires_at", _Time, nullable=False),
        sa.Column("answered_at", _Time, nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'confirmed', 'refused', 'expired')", name=op.f("ck_factor_challenges_state")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_factor_challenges_account_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_factor_challenges")),
    )
    op.create_index(op.f("ix_factor_challenges_account_id"), "factor_challenges", ["account_id"])
    op.create_table(
        "account_notices",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _Time, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_account_notices_account_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_account_notices")),
    )
    op.create_index(op.f("ix_account_notices_account_id"), "account_notices", ["account_id"])


def downgrade() -> None:
    op.drop_table("account_notices")
    op.drop_table("factor_challenges")
    op.drop_table("account_sessions")
    op.drop_column("accounts", "manager")

"""writes to an account are counted; a sign-in has a place."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("sign_ins", sa.Column("place", sa.Text(), nullable=True))
    op.create_table(
        "bounded_accounts",
        sa.Column("account", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_bounded_accounts")),
    )
    op.create_table(
        "account_writes",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("turn_id", ID, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('begun', 'done', 'refused')", name=op.f("ck_account_writes_state")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_account_writes_ticket_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_account_writes_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_writes")),
        sa.UniqueConstraint("turn_id", "step", name=op.f("uq_account_writes_turn_id_step")),
    )
    op.create_index("ix_account_writes_account", "account_writes", ["account", "at"])
    op.create_index(op.f("ix_account_writes_ticket_id"), "account_writes", ["ticket_id"])


def downgrade() -> None:
    op.drop_table("account_writes")
    op.drop_table("bounded_accounts")
    with op.batch_alter_table("sign_ins", recreate="never") as batch:
        batch.drop_column("place")

"""approvers with an authenticator app."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "approvers",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("enrolled_at", _Time, nullable=False),
        sa.Column("enrolled_by", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_at", _Time, nullable=True),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_approvers")),
    )


def downgrade() -> None:
    op.drop_table("approvers")

"""what an owner lets the agent go on with after a raise, and what came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = ("waiting", "goes_on_by", "goes_on_at", "gone_on", "still")


def upgrade() -> None:
    op.add_column("budget_reviews", sa.Column("waiting", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("budget_reviews", sa.Column("goes_on_by", sa.Text(), nullable=True))
    op.add_column("budget_reviews", sa.Column("goes_on_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("budget_reviews", sa.Column("gone_on", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("budget_reviews", sa.Column("still", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("budget_reviews", recreate="never") as batch:
        for column in COLUMNS:
            batch.drop_column(column)

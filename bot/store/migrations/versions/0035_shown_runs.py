"""evaluations that somebody in Slack looks on at."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("eval_runs", sa.Column("shown_to", sa.Text(), nullable=True))
    op.add_column("eval_runs", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("eval_runs", "told_at")
    op.drop_column("eval_runs", "shown_to")

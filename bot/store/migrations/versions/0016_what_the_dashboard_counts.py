"""what the dashboard counts, added up by day, and when handoffs were closed and thumbs given."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

EVENTS = "events IN ('activity', 'closings')"


def upgrade() -> None:
    op.create_table(
        "figure_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(EVENTS, name=op.f("ck_figure_days_events")),
        sa.PrimaryKeyConstraint("day", "events", name=op.f("pk_figure_days")),
    )
    op.create_table(
        "figure_counts",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint(EVENTS, name=op.f("ck_figure_counts_events")),
        sa.PrimaryKeyConstraint("day", "agent", "events", name=op.f("pk_figure_counts")),
    )
    op.create_index("ix_handoffs_closed_at", "handoffs", ["closed_at"])
    op.create_index("ix_feedback_at", "feedback", ["at"])


def downgrade() -> None:
    op.drop_index("ix_feedback_at", table_name="feedback")
    op.drop_index("ix_handoffs_closed_at", table_name="handoffs")
    for table in ("figure_counts", "figure_days"):
        op.drop_table(table)

"""thumbs are added up by day like what else the dashboard counts, and open handoffs are found by their day."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BEFORE = "events IN ('activity', 'closings')"
EVENTS = "events IN ('activity', 'closings', 'thumbs')"
TABLES = {
    "figure_days": ("day", "events", "counted_until", "version"),
    "figure_counts": ("day", "agent", "events", "counts"),
}


def upgrade() -> None:
    _allow(EVENTS)
    op.drop_index("ix_handoffs_closed_at", table_name="handoffs")
    op.create_index("ix_handoffs_closed_at", "handoffs", ["closed_at", "opened_at"])


def downgrade() -> None:
    op.drop_index("ix_handoffs_closed_at", table_name="handoffs")
    op.create_index("ix_handoffs_closed_at", "handoffs", ["closed_at"])
    for table in TABLES:
        op.execute(sa.table(table, sa.column("events")).delete().where(sa.column("events") == "thumbs"))
    _allow(BEFORE)


def _allow(events: str) -> None:
    """Let both tables hold these events; their rows stay."""
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.drop_constraint(op.f(f"ck_{table}_events"), table)
            op.create_check_constraint(op.f(f"ck_{table}_events"), table, events)
        return
    # SQLite changes no CHECK. Nothing refers to these tables, and they have neither triggers nor further indexes.
    for table in TABLES:
        op.rename_table(table, f"{table}_before")
    _create(events)
    for table, columns in TABLES.items():
        kept = sa.select(*map(sa.column, columns)).select_from(sa.table(f"{table}_before"))
        op.execute(sa.table(table, *map(sa.column, columns)).insert().from_select(columns, kept))
        op.drop_table(f"{table}_before")


def _create(events: str) -> None:
    op.create_table(
        "figure_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(events, name=op.f("ck_figure_days_events")),
        sa.PrimaryKeyConstraint("day", "events", name=op.f("pk_figure_days")),
    )
    op.create_table(
        "figure_counts",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint(events, name=op.f("ck_figure_counts_events")),
        sa.PrimaryKeyConstraint("day", "agent", "events", name=op.f("pk_figure_counts")),
    )

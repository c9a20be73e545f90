"""drift checks, alerts to owners, and how far finished turns are checked."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STREAMS = "'outcome', 'first_tool', 'tool_sequence', 'model_calls', 'latency', 'output_tokens'"
KINDS = "'drift', 'loop', 'model_changed', 'evaluation_stale', 'no_traffic', 'silent'"
UNTOLD = "told_at IS NULL OR (closed_at IS NOT NULL AND close_told_at IS NULL)"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "drift_checks",
        sa.Column("id", ID, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("reference_release", sa.Text(), nullable=False),
        sa.Column("reference", sa.Integer(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("effect", sa.Double(), nullable=False),
        sa.Column("detectable", sa.Double(), nullable=False),
        sa.Column("drifted", sa.Boolean(), nullable=False),
        sa.Column("moved", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint(f"stream IN ({STREAMS})", name=op.f("ck_drift_checks_stream")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_checks")),
        sa.UniqueConstraint(
            "agent", "release", "stream", "window", name=op.f("uq_drift_checks_agent_release_stream_window")
        ),
    )
    op.create_table(
        "owner_alerts",
        sa.Column("id", ID, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("found_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("told_at", TIME, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("close_told_at", TIME, nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_owner_alerts_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_alerts")),
    )
    open_ones, untold = sa.text("closed_at IS NULL"), sa.text(UNTOLD)
    op.create_index(
        "uq_owner_alerts_open",
        "owner_alerts",
        ["agent", "kind", "subject"],
        unique=True,
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )
    op.create_index("ix_owner_alerts_untold", "owner_alerts", ["id"], sqlite_where=untold, postgresql_where=untold)
    op.create_index("ix_owner_alerts_told_at", "owner_alerts", ["agent", "told_at"])
    op.create_table(
        "watermarks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("turn_id", ID, nullable=False),
        sa.Column("finished_at", TIME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watermarks")),
    )
    op.create_index("ix_turns_release", "turns", ["release", "finished_at", "id"])
    op.create_index("ix_tickets_agent_created_at", "tickets", ["agent", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_tickets_agent_created_at", table_name="tickets")
    op.drop_index("ix_turns_release", table_name="turns")
    for table in ("watermarks", "owner_alerts", "drift_checks"):
        op.drop_table(table)

"""turns of production that are scored again; and a new kind of alert needs no new check in its table."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

KINDS = "kind IN ('drift', 'loop', 'model_changed', 'evaluation_stale', 'no_traffic', 'silent')"
KEPT_FOR = "kept_for IN ('thumb_down', 'error', 'handoff', 'loop', 'refused_call', 'held_back', 'redacted', 'drawn')"
UNTOLD = "told_at IS NULL OR (closed_at IS NOT NULL AND close_told_at IS NULL)"
ALERT = (
    *("id", "agent", "kind", "subject", "detail", "found_at", "seen_at"),
    *("told_at", "closed_at", "close_told_at"),
)
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _hold_kinds(None)
    op.create_table(
        "samples",
        sa.Column("id", ID, nullable=False),
        sa.Column("turn_id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("finished_at", TIME, nullable=False),
        sa.Column("kept_for", sa.Text(), nullable=False),
        sa.Column("draw", sa.Double(), nullable=False),
        sa.Column("kept_at", TIME, nullable=False),
        sa.Column("scored_at", TIME, nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("failures", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("judge_due_at", TIME, nullable=True),
        sa.Column("judge_asked", sa.Integer(), nullable=False),
        sa.Column("judged_at", TIME, nullable=True),
        sa.Column("judged_good", sa.Boolean(), nullable=True),
        sa.Column("judgement", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(KEPT_FOR, name=op.f("ck_samples_kept_for")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_samples_ticket_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_samples_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_samples_turn_id")),
    )
    op.create_index("ix_samples_ticket_id", "samples", ["ticket_id"])
    op.create_index("ix_samples_week", "samples", ["agent", "release", "week", "draw"])
    for name, columns, part in (
        ("ix_samples_unscored", ["id"], "scored_at IS NULL"),
        ("ix_samples_unjudged", ["judge_due_at"], "judge_due_at IS NOT NULL"),
        ("ix_samples_failed", ["agent", "finished_at"], "NOT passed"),
    ):
        op.create_index(name, "samples", columns, sqlite_where=sa.text(part), postgresql_where=sa.text(part))
    op.create_table(
        "sampled_weeks",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "release", "week", name=op.f("pk_sampled_weeks")),
    )


def downgrade() -> None:
    op.drop_table("sampled_weeks")
    op.drop_table("samples")
    alerts = sa.table("owner_alerts", sa.column("kind"))
    known = ("drift", "loop", "model_changed", "evaluation_stale", "no_traffic", "silent")
    op.execute(alerts.delete().where(alerts.c.kind.not_in(known)))
    _hold_kinds(KINDS)


def _hold_kinds(kinds: str | None) -> None:
    """Let alerts be of these kinds, or of any that the code knows; the rows stay."""
    check = op.f("ck_owner_alerts_kind")
    if op.get_bind().dialect.name == "postgresql":
        if kinds is None:
            op.drop_constraint(check, "owner_alerts")
        else:
            op.create_check_constraint(check, "owner_alerts", kinds)
        return
    # SQLite changes no CHECK. Nothing refers to this table, and it has no triggers; its indexes are made anew.
    for index in ("uq_owner_alerts_open", "ix_owner_alerts_untold", "ix_owner_alerts_told_at"):
        op.drop_index(index, table_name="owner_alerts")
    op.rename_table("owner_alerts", "owner_alerts_before")
    _create(sa.CheckConstraint(kinds, name=check) if kinds else None)
    kept = sa.select(*map(sa.column, ALERT)).select_from(sa.table("owner_alerts_before"))
    op.execute(sa.table("owner_alerts", *map(sa.column, ALERT)).insert().from_select(ALERT, kept))
    op.drop_table("owner_alerts_before")


def _create(check: sa.CheckConstraint | None) -> None:
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
        *([] if check is None else [check]),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_alerts")),
    )
    open_ones, untold = sa.text("closed_at IS NULL"), sa.text(UNTOLD)
    op.create_index(
        "uq_owner_alerts_open",
        "owner_alerts",
        ["agent", "kind", "subject"],
        unique=True,
        sqlite_where=open_ones,
    )
    op.create_index("ix_owner_alerts_untold", "owner_alerts", ["id"], sqlite_where=untold)
    op.create_index("ix_owner_alerts_told_at", "owner_alerts", ["agent", "told_at"])

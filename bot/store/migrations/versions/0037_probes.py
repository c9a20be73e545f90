"""runs that play probes, what each said of its release, and the alerts about them."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0035"
branch_labels = None
depends_on = None

BEFORE = ("drift", "loop", "model_changed", "evaluation_stale", "no_traffic", "silent")
ADDED = ("probes_worse", "no_probe")
KINDS = (*BEFORE[:-1], *ADDED, BEFORE[-1])
COLUMNS = ("id", "agent", "kind", "subject", "detail", "found_at", "seen_at", "told_at", "closed_at", "close_told_at")
OPEN, UNTOLD = "closed_at IS NULL", "told_at IS NULL OR (closed_at IS NOT NULL AND close_told_at IS NULL)"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("eval_runs", sa.Column("kind", sa.Text(), nullable=False, server_default="evaluation"))
    op.create_table(
        "probe_results",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("difference", sa.Double(), nullable=True),
        sa.Column("hard_failures", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["eval_runs.id"], name=op.f("fk_probe_results_run_id_eval_runs")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_probe_results")),
    )
    _allow(KINDS)


def downgrade() -> None:
    alerts = sa.table("owner_alerts", sa.column("kind"))
    op.execute(alerts.delete().where(alerts.c.kind.in_(ADDED)))
    _allow(BEFORE)
    # The build before knows no probes: their plays must not count as those of an evaluation.
    names = (sa.column("kind"), sa.column("state"), sa.column("verdict"), sa.column("only", sa.JSON()))
    runs = sa.table("eval_runs", *names)
    unfinished = {"state": "invalid", "verdict": "not_run", "only": ["--probes"]}
    op.execute(runs.update().where(runs.c.kind == "probe").values(**unfinished))
    op.drop_table("probe_results")
    op.drop_column("eval_runs", "kind")


def _allow(kinds: tuple[str, ...]) -> None:
    """Let alerts be of these kinds; the rows stay."""
    check = f"kind IN ({', '.join(map(repr, kinds))})"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_owner_alerts_kind"), "owner_alerts")
        op.create_check_constraint(op.f("ck_owner_alerts_kind"), "owner_alerts", check)
        return
    # SQLite changes no CHECK. Nothing refers to this table, and it has no triggers.
    for name in ("uq_owner_alerts_open", "ix_owner_alerts_untold", "ix_owner_alerts_told_at"):
        op.drop_index(name, table_name="owner_alerts")
    op.rename_table("owner_alerts", "owner_alerts_before")
    _create(check)
    kept = sa.select(*map(sa.column, COLUMNS)).select_from(sa.table("owner_alerts_before"))
    op.execute(sa.table("owner_alerts", *map(sa.column, COLUMNS)).insert().from_select(COLUMNS, kept))
    op.drop_table("owner_alerts_before")


def _create(check: str) -> None:
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
        sa.CheckConstraint(check, name=op.f("ck_owner_alerts_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_alerts")),
    )
    index = {"unique": True, "sqlite_where": sa.text(OPEN)}
    op.create_index("uq_owner_alerts_open", "owner_alerts", ["agent", "kind", "subject"], **index)
    op.create_index("ix_owner_alerts_untold", "owner_alerts", ["id"], sqlite_where=sa.text(UNTOLD))
    op.create_index("ix_owner_alerts_told_at", "owner_alerts", ["agent", "told_at"])

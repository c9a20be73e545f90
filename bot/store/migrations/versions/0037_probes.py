"""runs that play probes, and what each said of its release."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

ADDED = ("probes_worse", "no_probe")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


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


def downgrade() -> None:
    alerts = sa.table("owner_alerts", sa.column("kind"))
    op.execute(alerts.delete().where(alerts.c.kind.in_(ADDED)))
    # The build before knows no probes: their plays must not count as those of an evaluation.
    names = (sa.column("kind"), sa.column("state"), sa.column("verdict"), sa.column("only", sa.JSON()))
    runs = sa.table("eval_runs", *names)
    unfinished = {"state": "invalid", "verdict": "not_run", "only": ["--probes"]}
    op.execute(runs.update().where(runs.c.kind == "probe").values(**unfinished))
    op.drop_table("probe_results")
    op.drop_column("eval_runs", "kind")

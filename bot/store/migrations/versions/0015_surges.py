"""surges: many tickets with one cause."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "surges",
        sa.Column("id", _Id, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("handoff_id", _Id, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("shown_at", _Time, nullable=False),
        sa.Column("healthy", sa.Integer(), nullable=False),
        sa.Column("checked_at", _Time, nullable=False),
        sa.Column("began_at", _Time, nullable=False),
        sa.Column("over_at", _Time, nullable=True),
        sa.Column("over_by", sa.Text(), nullable=True),
        sa.Column("settled_at", _Time, nullable=True),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name="fk_surges_handoff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_surges"),
    )
    _index("uq_surges_under_way", "surges", ["agent", "cause"], "over_at IS NULL", unique=True)
    _index("ix_surges_unsettled", "surges", ["id"], "settled_at IS NULL")
    op.create_table(
        "surge_watches",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("at", _Time, nullable=False),
        sa.PrimaryKeyConstraint("agent", name="pk_surge_watches"),
    )
    op.add_column("tickets", sa.Column("surge_id", _Id, nullable=True))
    op.add_column("tickets", sa.Column("following", sa.Text(), nullable=True))
    _index("ix_tickets_surge", "tickets", ["surge_id", "following"], "surge_id IS NOT NULL")
    op.add_column("turns", sa.Column("directory_failed_at", _Time, nullable=True))
    _index("ix_turns_directory_failed_at", "turns", ["directory_failed_at"], "directory_failed_at IS NOT NULL")


def downgrade() -> None:
    op.drop_index("ix_turns_directory_failed_at", "turns")
    op.drop_index("ix_tickets_surge", "tickets")
    for table, columns in (("turns", ("directory_failed_at",)), ("tickets", ("surge_id", "following"))):
        with op.batch_alter_table(table, recreate="never") as batch:
            for column in columns:
                batch.drop_column(column)
    op.drop_table("surge_watches")
    op.drop_table("surges")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)

"""evaluations that many processes play and that go on after a crash."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_List = sa.JSON(none_as_null=True)


def _added() -> dict[str, tuple[sa.Column, ...]]:
    return {
        "eval_runs": (
            sa.Column("fixed_repeats", sa.Integer(), nullable=True),
            sa.Column("only", _List, nullable=False, server_default="[]"),
            sa.Column("why", _List, nullable=False, server_default="[]"),
            sa.Column("model_is_standin", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("played_by", sa.Text(), nullable=False, server_default="command"),
            sa.Column("width", sa.Integer(), nullable=False, server_default="1"),
            sa.Column("queued", _List, nullable=False, server_default="[]"),
            sa.Column("held_by", sa.Text(), nullable=True),
            sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        ),
        "eval_results": (
            sa.Column("case_sha", sa.Text(), nullable=False, server_default=""),
            sa.Column("played", sa.Boolean(), nullable=False, server_default=sa.true()),
            sa.Column("outages", _List, nullable=False, server_default="[]"),
        ),
    }


def upgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)

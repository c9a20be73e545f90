"""what the directory showed when it was read back after a write."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0040"
branch_labels = None
depends_on = None

TABLE, INDEX = "account_writes", "ix_account_writes_look_at"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("agreement", sa.Text(), nullable=True))
    op.add_column(TABLE, sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    part = sa.text("look_at IS NOT NULL")
    op.create_index(INDEX, TABLE, ["look_at"], sqlite_where=part, postgresql_where=part)


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE)
    for column in ("look_at", "agreement"):
        op.drop_column(TABLE, column)

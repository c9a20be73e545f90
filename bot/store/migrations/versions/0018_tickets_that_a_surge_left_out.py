"""tickets that were locked when a surge began, and are linked to it later."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "surges", sa.Column("left_out", sa.JSON(none_as_null=True), server_default=sa.text("'[]'"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("surges", "left_out")

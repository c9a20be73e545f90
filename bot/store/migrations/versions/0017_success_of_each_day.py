"""what had become of the requests of each day when the clock last counted them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "success_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_success_days")),
    )


def downgrade() -> None:
    op.drop_table("success_days")

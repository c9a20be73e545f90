"""the language that a person has set in Slack."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spoken_languages",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_spoken_languages")),
    )


def downgrade() -> None:
    op.drop_table("spoken_languages")

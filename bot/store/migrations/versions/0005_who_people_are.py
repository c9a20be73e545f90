"""what Slack last said of people, and the Slack id that a directory binds to an account."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("said", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_members")),
    )
    op.add_column("accounts", sa.Column("slack_user", sa.Text(), nullable=True))
    op.create_index("ix_accounts_slack_user", "accounts", ["slack_user"])


def downgrade() -> None:
    op.drop_index("ix_accounts_slack_user", "accounts")
    op.drop_column("accounts", "slack_user")
    op.drop_table("members")

"""what one person may have of the desk: waits for money, turns held back, requesters; files in Slack."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HELD_BACK = sa.text("held_back")


def upgrade() -> None:
    op.add_column("turns", sa.Column("waits", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("turns", sa.Column("held_back", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_turns_held_back", "turns", ["ticket_id"], sqlite_where=HELD_BACK, postgresql_where=HELD_BACK)
    op.create_index("ix_inbox_events_user", "inbox_events", ["user", "received_at"])
    op.add_column("messages", sa.Column("file_id", sa.Text(), nullable=True))
    op.create_table(
        "requesters",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "user", name=op.f("pk_requesters")),
    )


def downgrade() -> None:
    op.drop_table("requesters")
    op.drop_column("messages", "file_id")
    op.drop_index("ix_inbox_events_user", "inbox_events")
    op.drop_index("ix_turns_held_back", "turns")
    op.drop_column("turns", "held_back")
    op.drop_column("turns", "waits")

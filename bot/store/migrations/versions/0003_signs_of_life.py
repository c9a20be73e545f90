"""signs of life, and indexes by which what is owed is found however much has been answered."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNSHOWN = sa.text("revision > shown_revision")
DOUBTED = sa.text("look_at IS NOT NULL")
UNANSWERED = sa.text("response IS NULL")


def upgrade() -> None:
    op.create_table(
        "signs",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_signs")),
    )
    op.create_index("ix_inbox_events_kind", "inbox_events", ["kind", "state"])
    op.create_index(
        "ix_messages_unshown", "messages", ["state", "due_at"], sqlite_where=UNSHOWN, postgresql_where=UNSHOWN
    )
    op.add_column("messages", sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_messages_look_at", "messages", ["look_at"], sqlite_where=DOUBTED, postgresql_where=DOUBTED)
    op.create_index("ix_steps_unanswered", "steps", ["turn_id"], sqlite_where=UNANSWERED, postgresql_where=UNANSWERED)


def downgrade() -> None:
    op.drop_index("ix_steps_unanswered", "steps")
    op.drop_index("ix_messages_look_at", "messages")
    op.drop_column("messages", "look_at")
    op.drop_index("ix_messages_unshown", "messages")
    op.drop_index("ix_inbox_events_kind", "inbox_events")
    op.drop_table("signs")

"""the lifecycle of a handoff: leases that are warned of, openings, App Homes, attachments with their links."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

handoffs = sa.table("handoffs", *(sa.column(name) for name in ("sent", "first_word_at", "open_since", "opened_at")))
events = sa.table("inbox_events", sa.column("id", sa.Integer()), sa.column("files", sa.JSON()))


def upgrade() -> None:
    op.create_table(
        "departed",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_departed")),
    )
    op.create_table(
        "homes",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_homes")),
    )
    op.create_index("ix_tickets_requester", "tickets", ["requester", "id"])
    op.create_index("ix_turns_finished_at", "turns", ["finished_at"])
    op.create_index("ix_handoffs_opened_at", "handoffs", ["opened_at"])
    # With a default no table is made anew, which SQLite refuses while other rows point at it.
    for column in (
        sa.Column("warned", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("sent", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("openings", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("open_since", sa.DateTime(timezone=True), nullable=False, server_default="1970-01-01 00:00:00"),
    ):
        op.add_column("handoffs", column)
    # Who had already written to a requester need not be asked again.
    op.execute(handoffs.update().values(sent=handoffs.c.first_word_at.is_not(None), open_since=handoffs.c.opened_at))
    connection = op.get_bind()
    for event_id, files in connection.execute(sa.select(events)).all():
        if files:
            named = [{"name": file, "link": None} for file in files if isinstance(file, str)]
            connection.execute(events.update().where(events.c.id == event_id).values(files=named))


def downgrade() -> None:
    for name in ("open_since", "openings", "sent", "warned"):
        op.drop_column("handoffs", name)
    for name, table in (
        ("ix_handoffs_opened_at", "handoffs"),
        ("ix_turns_finished_at", "turns"),
        ("ix_tickets_requester", "tickets"),
    ):
        op.drop_index(name, table)
    op.drop_table("homes")
    op.drop_table("departed")

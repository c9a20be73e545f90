"""evaluation cases that people propose from resolved handoffs."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "case_proposals",
        sa.Column("id", _Id, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("handoff_id", _Id, nullable=False),
        sa.Column("ticket_id", _Id, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("draft", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('proposed', 'accepted', 'dismissed')", name=op.f("ck_case_proposals_state")),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_case_proposals_handoff_id_handoffs")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_case_proposals_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_proposals")),
        sa.UniqueConstraint("handoff_id", name=op.f("uq_case_proposals_handoff_id")),
    )
    op.create_index(op.f("ix_case_proposals_state_assignee"), "case_proposals", ["state", "assignee"])


def downgrade() -> None:
    op.drop_table("case_proposals")

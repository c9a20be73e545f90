"""the words of tickets at rest are erased: which have gone, and how far that has got where there is no ticket."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = "ix_tickets_words_kept"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("words_erased_at", sa.DateTime(timezone=True), nullable=True))
    still = sa.text("words_erased_at IS NULL")
    op.create_index(KEPT, "tickets", ["agent", "created_at"], sqlite_where=still, postgresql_where=still)
    op.create_table(
        "retention_marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_retention_marks")),
    )


def downgrade() -> None:
    op.drop_table("retention_marks")
    op.drop_index(KEPT, table_name="tickets")
    op.drop_column("tickets", "words_erased_at")

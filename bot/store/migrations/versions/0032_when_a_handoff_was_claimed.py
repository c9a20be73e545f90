"""when a handoff was first claimed is found in the index on its moves."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

NAME = "ix_handoff_moves_handoff_id"


def upgrade() -> None:
    op.drop_index(NAME, table_name="handoff_moves")
    op.create_index(NAME, "handoff_moves", ["handoff_id", "move", "at"])


def downgrade() -> None:
    op.drop_index(NAME, table_name="handoff_moves")
    op.create_index(NAME, "handoff_moves", ["handoff_id"])

"""until when one process alone may ask Slack about a person."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("asking_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("members", "asking_until")

"""agents as principals: their ids, their reviews and when each was suspended."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_Time = sa.DateTime(timezone=True)
_LASTING = sa.text("over_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_seen_at", _Time, nullable=False),
        sa.Column("retired_at", _Time, nullable=True),
        sa.Column("reviewed_at", _Time, nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("review_until", sa.Text(), nullable=True),
        sa.Column("reminded_at", _Time, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_agents")),
    )
    op.create_table(
        "suspensions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", _Time, nullable=False),
        sa.Column("over_at", _Time, nullable=True),
        sa.Column("over_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["agent"], ["agents.name"], name=op.f("fk_suspensions_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
    )
    op.create_index(
        "uq_suspensions_lasting",
        "suspensions",
        ["agent"],
        unique=True,
        sqlite_where=_LASTING,
        postgresql_where=_LASTING,
    )
    op.create_index("ix_suspensions_agent", "suspensions", ["agent", "id"])


def downgrade() -> None:
    op.drop_table("suspensions")
    op.drop_table("agents")

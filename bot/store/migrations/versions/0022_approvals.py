"""approvals of single calls, their proofs, and turns that wait for them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Time = sa.DateTime(timezone=True)
_Json = sa.JSON(none_as_null=True)
_ACTIVE = sa.text("state IN ('proving', 'asked', 'approved')")
_ASKED = sa.text("state = 'asked'")
_STATES = "state IN ('proving', 'asked', 'approved', 'used', 'denied', 'expired', 'withdrawn')"


def upgrade() -> None:
    op.add_column("turns", sa.Column("suspended_at", _Time, nullable=True))
    op.add_column("turns", sa.Column("waited_seconds", sa.Double(), nullable=False, server_default=sa.text("0")))
    _add_approvals()
    op.create_table(
        "approval_moves",
        sa.Column("id", _Id, nullable=False),
        sa.Column("approval_id", _Id, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", _Json, nullable=False),
        sa.Column("at", _Time, nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_moves_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_moves")),
    )
    op.create_index(op.f("ix_approval_moves_approval_id"), "approval_moves", ["approval_id"])
    op.create_table(
        "proofs",
        sa.Column("id", _Id, nullable=False),
        sa.Column("approval_id", _Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_of", sa.Text(), nullable=True),
        sa.Column("manager", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("asked_at", _Time, nullable=False),
        sa.Column("expires_at", _Time, nullable=False),
        sa.Column("answered_at", _Time, nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('asked', 'given', 'refused', 'expired')", name=op.f("ck_proofs_state")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_proofs_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
        sa.UniqueConstraint("approval_id", "kind", name=op.f("uq_proofs_approval_id_kind")),
    )
    op.create_index(
        "uq_proofs_asked", "proofs", ["approval_id"], unique=True, sqlite_where=_ASKED, postgresql_where=_ASKED
    )
    op.create_index("ix_proofs_owed", "proofs", ["state", "expires_at"])


def _add_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", _Id, nullable=False),
        sa.Column("ticket_id", _Id, nullable=False),
        sa.Column("turn_id", _Id, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("intent_id", _Id, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("agent", "release", "team", "requester", "tool")),
        sa.Column("arguments", _Json, nullable=False),
        sa.Column("arguments_sha256", sa.Text(), nullable=False),
        sa.Column("policy_sha256", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("account_version", sa.Text(), nullable=False),
        sa.Column("plan", _Json, nullable=False),
        sa.Column("evidence", _Json, nullable=False),
        sa.Column("second_step", sa.Text(), nullable=False),
        sa.Column("expires_minutes", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", _Time, nullable=False),
        *(sa.Column(name, _Time, nullable=True) for name in ("asked_at", "expires_at", "decided_at")),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("decided_by", "first_by", "second_step_given", "reason", "cause")
        ),
        sa.Column("used_at", _Time, nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.CheckConstraint(_STATES, name=op.f("ck_approvals_state")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_approvals_ticket_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_approvals_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("turn_id", "step", name=op.f("uq_approvals_turn_id_step")),
    )
    op.create_index(op.f("ix_approvals_ticket_id"), "approvals", ["ticket_id"])
    op.create_index("ix_approvals_owed", "approvals", ["state", "expires_at"])
    op.create_index(
        "uq_approvals_active", "approvals", ["ticket_id"], unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE
    )


def downgrade() -> None:
    for table in ("proofs", "approval_moves", "approvals"):
        op.drop_table(table)
    for column in ("waited_seconds", "suspended_at"):
        op.drop_column("turns", column)

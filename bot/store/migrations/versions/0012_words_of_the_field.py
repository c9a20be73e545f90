"""a claim expires, a handoff escalates, a ticket has an assignee."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = (
    ("tickets", "owner", "assignee"),
    ("handoffs", "lapses", "expiries"),
    ("handoffs", "rung", "escalation_level"),
    ("handoffs", "first_word_at", "first_response_at"),
)
MOVES = (("lapsed", "expired"), ("climbed", "escalated"), ("released", "unclaimed"))
DETAILS = (("step", "action"), ("rung", "level"))
"Of an escalation."

_moves = sa.table("handoff_moves", sa.column("id"), sa.column("move"), sa.column("detail", sa.JSON()))


def upgrade() -> None:
    for table, old, new in COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for old, new in MOVES:
        op.execute(_moves.update().where(_moves.c.move == old).values(move=new))
    _rename_details("escalated", dict(DETAILS))


def downgrade() -> None:
    _rename_details("escalated", {new: old for old, new in DETAILS})
    for old, new in MOVES:
        op.execute(_moves.update().where(_moves.c.move == new).values(move=old))
    for table, old, new in COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")


def _rename_details(move: str, names: dict[str, str]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_moves.c.id, _moves.c.detail).where(_moves.c.move == move)).all():
        detail = {names.get(name, name): value for name, value in row.detail.items()}
        connection.execute(_moves.update().where(_moves.c.id == row.id).values(detail=detail))

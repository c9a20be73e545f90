"""Alembic's entry: the connection is handed over by `bot.store.revisions.migrate`."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from bot.store.schema import Base, UtcDateTime, Value


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write our own types as the plain ones below them, so that a migration never imports the house."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return "sa.Text()" if isinstance(item, Value) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()

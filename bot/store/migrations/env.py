"""Alembic's entry: the connection is handed over by `bot.store.revisions.migrate`."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from bot.store.schema import Base, UtcDateTime


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write our own type as the plain one below it, so that a migration never imports the house."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()

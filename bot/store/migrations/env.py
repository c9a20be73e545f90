"""Entry point of alembic; `bot.store.installation.revisions.migrate` passes the connection."""

from contextlib import ExitStack
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from bot.store.schema import Base, UtcDateTime, Value
from bot.store.sql import audit_guard


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Render our own types as the plain types below them, so that a migration imports nothing of ours."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return "sa.Text()" if isinstance(item, Value) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
)
with ExitStack() as lifting:
    if connection.dialect.name == "sqlite":
        lifting.enter_context(audit_guard.lifted(connection.connection.driver_connection))
    with context.begin_transaction():
        context.run_migrations()

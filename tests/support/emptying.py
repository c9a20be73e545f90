"""Empties a PostgreSQL database of the tests, so that it is as it was migrated."""

from bot.store import schema
from bot.store.db import Database

EMPTYING = (
    *(f"DELETE FROM {table.name}" for table in reversed(schema.Base.metadata.sorted_tables)),  # noqa: S608 - our names
    *(one for one in schema.AUDIT_GUARDS["postgresql"][schema.AuditHead] if one.startswith("INSERT")),  # a chain begins
    "SELECT setval(seqrelid, 1, false) FROM pg_sequence",  # rows are numbered from 1 again
)
"Statements for a superuser, while `session_replication_role` is `replica`: then no trigger guards the audit log."


def empty(database: Database) -> None:
    """Delete every row, in one transaction."""
    with database.write() as session:
        for statement in ("SET LOCAL session_replication_role = replica", *EMPTYING):
            session.connection().exec_driver_sql(statement)

"""Who may change the audit log: on PostgreSQL the tables' owner and not the application's role; on SQLite no statement.

The triggers (`bot.store.schema.audit_guards`) refuse every change by whomever, but the owner of a table may take its
triggers away. So `deskhand migrate` with DATABASE_OWNER_URL migrates as the owner, and gives the role of DATABASE_URL
the rights that the application needs: to add to the audit log and to read it, and everything on the other tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from bot.errors import ConfigError
from bot.store.schema import AUDIT_GUARDS
from bot.store.sql import audit_guard

_TABLES = ", ".join(sorted(audit_guard.AUDIT))
_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    f"REVOKE ALL ON {_TABLES}, alembic_version FROM {{role}}",
    f"GRANT SELECT ON {_TABLES}, alembic_version TO {{role}}",
    "GRANT INSERT ON audit, audit_people TO {role}",
)
_COULD_CHANGE = f"""SELECT bool_or(
    has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') OR pg_has_role(relowner, 'USAGE')
    OR (relname IN ('audit_chain', 'audit_head') AND has_table_privilege(oid, 'INSERT'))
) FROM pg_class WHERE oid = ANY (ARRAY[{", ".join(f"'{name}'::regclass" for name in sorted(audit_guard.AUDIT))}])"""  # noqa: S608


def check_roles(*, owner: str, application: str) -> None:
    """Check that two addresses lead to one PostgreSQL database, each as a role of its own.

    Raises:
        ConfigError: they do not.
    """
    try:
        ours, theirs = make_url(owner), make_url(application)
    except (ArgumentError, ValueError):  # its text may hold a password
        raise ConfigError("environment: DATABASE_OWNER_URL or DATABASE_URL cannot be read") from None
    if _place(ours) != _place(theirs) or not ours.get_backend_name().startswith("postgres"):
        raise ConfigError("environment: DATABASE_OWNER_URL and DATABASE_URL do not lead to one PostgreSQL database")
    if not theirs.username or theirs.username == ours.username:
        raise ConfigError("environment: DATABASE_OWNER_URL and DATABASE_URL need a role (user) each, and not the same")


def grant_application(session: Session, url: str) -> None:
    """Give the role of the application's address its rights; what it may do to the audit tables is to add and to read.

    Args:
        session: an open transaction of the tables' owner.
        url: DATABASE_URL, checked by `check_roles`.
    """
    role = str(make_url(url).username)
    quote = session.get_bind().dialect.identifier_preparer.quote
    schema = session.scalars(text("SELECT current_schema()")).one()
    for statement in _GRANTS:
        session.execute(text(statement.format(schema=quote(schema), role=quote(role))))


def _place(url: URL) -> tuple[object, ...]:
    return url.host, url.port, url.database, url.query.get("host")


def could_change(session: Session) -> bool:
    """Return whether this connection's role could change or remove audit records; SQLite has no roles."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    return bool(session.scalar(text(_COULD_CHANGE)))


@contextmanager
def lifted(session: Session) -> Iterator[None]:
    """Let this transaction change the audit tables; on PostgreSQL only as their owner, and others wait for its end.

    For a seal, which removes the oldest records. A record that is added meanwhile is not chained.
    """
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))  # chains what this transaction has added
        for table in sorted(audit_guard.AUDIT):
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield
        session.flush()
        for table in sorted(audit_guard.AUDIT):
            session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        return
    with audit_guard.lifted(connection.connection.driver_connection):  # type: ignore[arg-type]
        guards = [one for of in AUDIT_GUARDS["sqlite"].values() for one in of if one.startswith("CREATE TRIGGER")]
        for statement in guards:
            session.execute(text(f"DROP TRIGGER {statement.split()[2]}"))
        yield
        session.flush()
        for statement in guards:
            session.execute(text(statement))

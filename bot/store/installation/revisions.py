"""Migrations: bring a database up to the revision of this code.

Of several that begin at once, on PostgreSQL one migrates while the others wait for it, and then have nothing to do. The
lock lasts as long as the transaction: a pooler in transaction mode would leave any other with a server connection that
somebody else gets next.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.errors import ConfigError
from bot.store import db
from bot.store.audit import guards
from bot.store.sql.looks import lacks_a_right, translated

MIGRATIONS = Path(__file__).parents[1] / "migrations"
ONE_AT_A_TIME = 0x6465736B68616E64
"The number of our lock among the advisory locks of a PostgreSQL database: `deskhand` in ASCII."

NOT_THE_OWNER = (
    "environment: the role that migrates may not change the tables of this database: set DATABASE_OWNER_URL to the "
    "address of their owner, beside DATABASE_URL; docs/how-to/install.md has the two roles"
)


def migrate(url: str, *, application: str | None = None) -> None:
    """Migrate the database at an address to this code's revision.

    Args:
        url: the address, of the owner of the tables where that is another role.
        application: the address of the role that gets the application's rights, as `guards.check_roles` has checked it.

    Raises:
        ConfigError: the role of the address may not change the tables.
        Transient: the database cannot be reached.
    """
    with closing(db.connect(url)) as database, _allowed(), translated(), database.writing.connect() as connection:
        db.work_without_hurry(connection)
        _take_turns(connection)
        command.upgrade(_config(connection), "head")
        if application is not None:
            with Session(connection) as session:
                guards.grant_application(session, application)
        connection.commit()


@contextmanager
def _allowed() -> Iterator[None]:
    """Translate the error of a role that does not own what it is to change."""
    try:
        yield
    except DBAPIError as error:
        if lacks_a_right(error):
            raise ConfigError(NOT_THE_OWNER) from error
        raise


def _take_turns(connection: Connection) -> None:
    """Wait until no other migration is under way, until the end of the transaction; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config

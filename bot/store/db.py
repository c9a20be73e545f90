"""Engine and transactions, the same on SQLite and PostgreSQL.

SQLite has one writer: a write transaction takes the lock at its start (`BEGIN IMMEDIATE`), so that
two of them queue instead of failing half-way; readers never wait (WAL).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from bot.errors import ConfigError, Transient

__all__ = ["Database", "Session", "connect", "insert_new", "migrate", "pending"]

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 10
POOL = 10


@dataclass(frozen=True, slots=True)
class Database:
    """One engine and the two kinds of transaction that the house knows."""

    engine: Engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that writes nothing.

        Raises:
            Transient: the database cannot be reached.
        """
        yield from self._transaction(self.engine)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed at the end of the block, or undone by an exception.

        Raises:
            Transient: the database cannot be reached.
        """
        yield from self._transaction(self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE"))

    @staticmethod
    def _transaction(engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
        except sqlalchemy.exc.TimeoutError as error:  # every connection of the pool is out
            raise Transient("database: no free connection") from error
        except DBAPIError as error:
            if error.connection_invalidated or isinstance(error, sqlalchemy.exc.OperationalError):
                raise Transient(f"database: {error.orig}") from error
            raise

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def connect(url: str) -> Database:
    """Return the database at an address.

    Args:
        url: `sqlite:///FILE`, `sqlite://` (private, in memory) or `postgresql+psycopg://...`;
            `postgres://` and `postgresql://` mean psycopg 3.

    Raises:
        ConfigError: the address names another kind of database.
    """
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            url = "postgresql+psycopg://" + url.removeprefix(short)
    kind = make_url(url).get_backend_name()
    if kind == "postgresql":
        return Database(
            sqlalchemy.create_engine(url, pool_size=POOL, max_overflow=POOL, pool_pre_ping=True, pool_timeout=30)
        )
    if kind != "sqlite":
        raise ConfigError(f"environment: DATABASE_URL names {kind}; SQLite and PostgreSQL are supported")
    return Database(_sqlite(url))


def _sqlite(url: str) -> Engine:
    file = make_url(url).database
    if file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    else:
        engine = sqlalchemy.create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS}
        )

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlalchemy.engine.interfaces.DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "synchronous=FULL",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine


def insert_new(session: Session, table: type[DeclarativeBase], **values: object) -> int | None:
    """Insert a row unless one with the same unique values is there; return its id, or None."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    [key] = sqlalchemy.inspect(table).primary_key
    row: int | None = session.execute(
        insert(table).values(**values).on_conflict_do_nothing().returning(key)
    ).scalar_one_or_none()
    return row


def migrate(url: str) -> None:
    """Bring the schema at an address up to this code's revision."""
    database = connect(url)
    try:
        with database.engine.connect().execution_options(sqlite_begin="BEGIN IMMEDIATE") as connection:
            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        database.close()


def pending(database: Database) -> str | None:
    """Say which revision is missing, or None when the schema is this code's."""
    wanted = ScriptDirectory.from_config(_alembic()).get_current_head()
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return None if found == wanted else f"schema is at {found}, this code needs {wanted}: run `deskhand migrate`"


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config

"""Engine and transactions, the same on SQLite and PostgreSQL.

SQLite has one writer: a write transaction takes the lock at its start (`BEGIN IMMEDIATE`), so that two of them queue
instead of failing half-way. Readers never wait (WAL).
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy import URL, ColumnElement, Connection, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Session

from bot import durations, private
from bot.errors import ConfigError
from bot.store.errors_without_values import without_values
from bot.store.sql import postgres_engine, prebuilt, sqlite_engine
from bot.store.sql.commits import after_commit
from bot.store.sql.looks import NO_RIGHT_HERE, TOGETHER, SharedLook, lacks_a_right, translated

__all__ = [
    "Database",
    "Session",
    "after_commit",
    "connect",
    "file_of",
    "insert_new",
    "is_there",
    "notices_a_cut",
    "pending",
    "work_without_hurry",
]

REVISIONS = Path(__file__).parent / "migrations" / "versions"
"Files that are named by number, read without alembic, which takes 10 MB (see `bot.store.installation.revisions`)."
UNREADABLE = (
    "environment: DATABASE_URL cannot be read; write sqlite:///FILE or postgresql://user:password@host/name, with the "
    "special characters of a password percent-encoded (@ is %40, / is %2F)"
)
UNPREPARED: Mapping[str, object] = {"prepare_threshold": None}
"""Nothing is prepared on the server until a connection is known to be direct, even if the address asks for it.

A pooler hands one server connection to many processes, and psycopg names prepared statements alike in each of them, so
that another process's statement could run with our parameters (docs/decisions/0020).
"""


@dataclass(frozen=True, slots=True)
class Database:
    """One engine and its two kinds of transaction."""

    engine: Engine
    writing: Engine
    "The same for transactions that write; to make it for each of them would take a fifth of its time."
    looking: Engine | None = None
    "The same for statements outside transactions; None: the database has none."

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that writes nothing, or join the one of `look_together`.

        Raises:
            Transient: the database cannot be reached.
        """
        yield from self._joined(self.engine)

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Read statement by statement what is true now: nothing is locked, and no two statements need to agree.

        PostgreSQL shows a transaction no more than that unless it asks for it, so there none is begun.

        Raises:
            Transient: the database cannot be reached.
        """
        yield from self._joined(self.looking or self.engine)

    def _joined(self, engine: Engine) -> Iterator[Session]:
        shared = TOGETHER.get()
        if shared is None or shared.of is not self.engine:
            yield from self._transaction(engine)
        else:
            with translated():
                yield shared.session()

    @contextmanager
    def look_together(self) -> Iterator[None]:
        """Let the reads of a block share one session, which begins with the first of them (see `look`).

        Nothing may be waited for in the block: no transaction is open while Slack or a model is.
        """
        outer = TOGETHER.get()
        if outer is not None and outer.of is self.engine:
            yield
            return
        with translated(), ExitStack() as stack:
            joined = TOGETHER.set(SharedLook(self.engine, self.looking or self.engine, stack))
            stack.callback(TOGETHER.reset, joined)
            yield

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed at the end of the block, or rolled back by an exception.

        Raises:
            Transient: the database cannot be reached.
        """
        yield from self._transaction(self.writing)

    @staticmethod
    def _transaction(engine: Engine) -> Iterator[Session]:
        with translated(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def compact(self) -> bool | None:
        """Rebuild the file of an SQLite database, so that no erased byte is left in it.

        Returns:
            Whether it is rebuilt and its log empty: not while somebody holds either, or the disk has no room for a
            copy. None for PostgreSQL, which sees to that by itself.
        """
        if self.engine.dialect.name != "sqlite":
            return None
        try:
            return sqlite_engine.compact(self.engine)
        except sqlite3.OperationalError:
            return False

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


NEWER = "run the version of Deskhand that has migrated it, or put an earlier backup back"
"What to do when an older version meets the database of a newer one; no migration leads back."


def is_there(url: str) -> bool:
    """Return whether there may be a database at an address, without making one: a missing or empty file is none."""
    file = file_of(url)
    return file is None or (file.exists() and file.stat().st_size > 0)


def file_of(url: str) -> Path | None:
    """Return the file of an SQLite database; None for any other database.

    Raises:
        ConfigError: the address cannot be read.
    """
    address = _address(url)
    name = address.database if address.get_backend_name() == "sqlite" else None
    return Path(name) if name and name != ":memory:" else None


def connect(url: str) -> Database:
    """Return the database at an address.

    Args:
        url: `sqlite:///FILE`, `sqlite://` (private, in memory) or `postgresql+psycopg://...`;
            `postgres://` and `postgresql://` mean psycopg 3.

    Raises:
        ConfigError: the address cannot be read or names another kind of database, or its file cannot be made.
    """
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            url = "postgresql+psycopg://" + url.removeprefix(short)
    address = _address(url)
    match address.get_backend_name():
        case "postgresql":
            connect_args = {**_noticing_a_cut(address), **UNPREPARED}
            engine = without_values(postgres_engine.open_engine(address, connect_args))
            writing = engine.execution_options(sqlite_begin=sqlite_engine.WRITE)
            return Database(engine, writing, engine.execution_options(isolation_level="AUTOCOMMIT"))
        case "sqlite":
            file = file_of(url)
            if file is not None:
                _keep_private(file)
            return Database(*sqlite_engine.open_engines(address, in_memory=file is None, settle=without_values))
        case kind:
            raise ConfigError(f"environment: DATABASE_URL names {kind}; SQLite and PostgreSQL are supported")


def existing(url: str) -> Database:
    """Return the database at an address, as `connect` does, but make no file where there is none.

    Raises:
        ConfigError: there is none, or `connect` refuses the address.
    """
    if not is_there(url):
        raise ConfigError("database: there is no file at DATABASE_URL: run `deskhand migrate`")
    return connect(url)


def _address(url: str) -> URL:
    """Parse an address; the error does not repeat it, as it may hold a password."""
    with suppress(sqlalchemy.exc.ArgumentError, ValueError):
        return make_url(url)
    raise ConfigError(UNREADABLE)


def _noticing_a_cut(url: URL) -> dict[str, object]:
    """Return connect arguments with which both ends notice within seconds that the other is unreachable.

    What the address itself sets takes precedence. By default PostgreSQL keeps the locks of an unreachable client for
    two hours, and a client waits for an answer for 15 minutes.
    """
    beat = {"keepalives_idle": 3, "keepalives_interval": 1, "keepalives_count": 2}
    unheard = {"tcp_user_timeout": durations.CUT_OFF * 1000}
    server = {**{f"tcp_{name}": value for name, value in beat.items()}, **unheard}
    server[postgres_engine.LIMIT] = postgres_engine.SILENT_SECONDS * 1000
    options = [*(f"-c {name}={value}" for name, value in server.items()), str(url.query.get("options", ""))]
    ours: dict[str, object] = {"connect_timeout": durations.CUT_OFF, **beat, **unheard}
    return {name: value for name, value in ours.items() if name not in url.query} | {
        "options": " ".join(options).strip()
    }


def _keep_private(file: Path) -> None:
    """Create the file and its folder for our account alone, before SQLite creates them with the umask's rights."""
    if str(file).startswith("file:"):  # a URI of SQLite, which may name no file
        return
    try:
        private.folder(file.parent)
        private.database(file)
    except OSError as error:
        raise ConfigError(f"environment: DATABASE_URL: {error.filename or file}: {error.strerror}") from error


def insert_new(session: Session, table: type[DeclarativeBase], **values: object) -> int | None:
    """Insert a row unless one with the same unique values exists; return its id, or None."""
    insertion = prebuilt.insertion(session.get_bind().dialect.name, table)
    row: int | None = prebuilt.rows(session, insertion, **values).scalar_one_or_none()
    return row


def upsert(
    session: Session,
    table: type[DeclarativeBase],
    only_if: ColumnElement[bool] | None = None,
    *,
    unique: tuple[str, ...] = (),
    **values: object,
) -> bool:
    """Insert a row, or update and lock the one with the same key; return False if `only_if` does not hold for it.

    The key is the primary key unless `unique` names the columns of another.
    """
    keys = unique or tuple(key.name for key in sqlalchemy.inspect(table).primary_key)
    how = (session.get_bind().dialect.name, table, keys, tuple(name for name in values if name not in keys))
    upsertion = prebuilt.upsertion(*how) if only_if is None else prebuilt.upsertion_if(*how, only_if)
    return prebuilt.rows(session, upsertion, **values).one_or_none() is not None


def notices_a_cut(session: Session) -> bool:
    """Return whether the database ends the transactions of a silent client and frees their locks.

    A pooler may ignore the settings with which a connection is opened.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    limit: str = session.scalars(sqlalchemy.text(f"SHOW {postgres_engine.LIMIT}")).one()
    return limit != "0"


def work_without_hurry(connection: Connection) -> None:
    """Let the transaction of a connection pause for as long as it must, for long work that a person has begun.

    Other transactions end when their client is silent for some seconds (see `notices_a_cut`); a migration or an erasure
    computes for longer than that between two statements.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL {postgres_engine.LIMIT} = 0")


def pending(database: Database) -> str | None:
    """Return a sentence about a schema that does not fit this code, and after a colon what to do; None if it fits.

    Raises:
        Transient: the database cannot be reached.
    """
    wanted = max(file.name.split("_")[0] for file in REVISIONS.glob("[0-9]*.py"))
    try:
        with database.read() as session:
            known = sqlalchemy.inspect(session.connection()).has_table("alembic_version")
            found = session.scalar(sqlalchemy.text("SELECT version_num FROM alembic_version")) if known else None
    except sqlalchemy.exc.DBAPIError as error:
        if lacks_a_right(error):
            return NO_RIGHT_HERE
        raise
    if found == wanted:
        return None
    if found is None:
        return "it has no schema yet: run `deskhand migrate`"
    newer = found > wanted
    return f"its schema is at {found}, this code needs {wanted}: {NEWER if newer else 'run `deskhand migrate`'}"

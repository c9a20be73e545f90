"""Real servers for the tests: redis-server and PostgreSQL, each started once a session.

Nothing here needs a server on the machine: both come from wheels, in a folder of the session's own.
"""

import gc
import logging
import os
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog

from bot import env_file, redis_client
from bot.store import db
from bot.store.installation import revisions
from tests.support import bytecode, chosen_servers, forked_runs, log_handlers, postgres_server, run_order, shortcuts
from tests.support.chromium import browser
from tests.support.delegations import KEY_OF_TESTS
from tests.support.lent_databases import LentDatabases
from tests.support.postgres_server import PostgresServer
from tests.support.redis_servers import RedisServer, start_redis

__all__ = ["browser"]

_STORE = Path(__file__).parent / "bot" / "store"
"Where the tests of all SQL are."
_MANY_OBJECTS = 20_000
"New objects after which garbage is collected: Python's own 700 are made by a few statements."
_PROCESSES = pytest.StashKey[int]()
"How many processes run the tests; none when this one does."


@dataclass(frozen=True)
class _Prepared:
    """What is made once for all processes that run the tests."""

    postgres: PostgresServer
    sqlite: Path


_PREPARED = pytest.StashKey[_Prepared]()
os.environ["DESKHAND_DELEGATION_KEYS"] = KEY_OF_TESTS
"No agent is put to work without a key, in whichever process; a test that wants none takes it out."
redis_client.SOCKET_SECONDS = 60.0
"A Redis on a busy machine answers later than one that is waited for in production; who tests that sets it."
os.environ[env_file.VARIABLE] = ""
"The installation of this checkout, if there is one, is no part of a test."


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let no garbage collection look through what stays: the modules and tests, a million objects."""
    gc.disable()
    shortcuts.take_before_collection()
    try:
        bytecode.compile_together(session.config, processes=session.config.stash[_PROCESSES])
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
    every = test.config.option.both_databases and not test.get_closest_marker("postgres_only")
    if "database_url" in metafunc.fixturenames and (
        _STORE in test.path.parents or test.get_closest_marker("both_databases") or every
    ):
        metafunc.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; pytest's own order, which keeps a house's tests together, stays within."""
    run_order.longest_first(items)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take over from pytest-xdist when whole files are shared out: its processes would collect them once more each."""
    chosen_servers.take_redis(config)
    config.stash[_PROCESSES] = 0
    if config.option.dist == "loadfile" and config.option.tx:
        config.stash[_PROCESSES] = len(config.option.tx)
        config.option.dist, config.option.tx = "no", []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End what costs as long as it lives with the last test in it: it would go on until the session ends.

    A house's eight processes would keep looking for work; a browser's driver would leave its loop to the other tests.
    """
    for name in ("browser", "house"):
        built, next_built = (_fixtures(one, name) for one in (item, nextitem))
        if built and built != next_built and built[-1].scope == "session":
            built[-1].finish(item._request)  # type: ignore[attr-defined]  # a test that asks again builds another
    log_handlers.drop_closed()


def _fixtures(item: pytest.Item | None, name: str) -> Sequence[Any]:
    """Return what a test's fixture of a name is built by."""
    found: Sequence[Any] = getattr(item, "_fixtureinfo").name2fixturedefs.get(name, ()) if item else ()  # noqa: B009
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the tests ran on."""
    terminalreporter.write_line(chosen_servers.summary())


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the files in several processes, when that is asked for and all of them were collected."""
    processes = session.config.stash[_PROCESSES]
    if not processes or session.testsfailed or session.config.option.collectonly:
        return None
    import anthropic  # noqa: F401, PLC0415 - two seconds of CPU, and most processes will need it

    shortcuts.take()
    factory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    with postgres_server.serving(factory.mktemp("runtime", numbered=False)) as server:
        session.config.stash[_PREPARED] = _Prepared(server, _migrated_file(factory))
        forked_runs.run(session, run_order.pieces(session.items), processes=processes)
    return True


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    shortcuts.know_rights(server.url)
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
def _postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Return the server of all processes that run the tests, or one that is started for this one."""
    prepared = request.config.stash.get(_PREPARED, None)
    if prepared is not None:
        yield prepared.postgres
        return
    with postgres_server.serving(tmp_path_factory.mktemp("runtime", numbered=False)) as server:
        yield server


@pytest.fixture(scope="session")
def _sqlite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file that every test's own is a copy of."""
    prepared = request.config.stash.get(_PREPARED, None)
    return prepared.sqlite if prepared is not None else _migrated_file(tmp_path_factory)


def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    revisions.migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _databases(_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LentDatabases]:
    """Hold the databases of this process, behind a pooler if that is asked for."""
    with chosen_servers.pooler_before(_postgres.address, tmp_path_factory.mktemp("pooler")) as pooler:
        databases = LentDatabases(_postgres, pooler)
        yield databases
        databases.close()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, _databases: LentDatabases) -> Iterator[str]:
    """Return the address of a migrated, empty PostgreSQL database of the test's own."""
    pooler, unpooled = _databases.pooler, request.node.get_closest_marker("unpooled")
    if pooler is not None and unpooled is not None:
        pytest.skip(f"not behind a pooler: {unpooled.args[0]}")
    url = _databases.lend()
    yield (url if pooler is None else pooler.before(url)).render_as_string(hide_password=False)
    _databases.take_back(url)


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

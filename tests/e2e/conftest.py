"""The real processes, ended after the last test in them; their logs are shown when a test fails."""

import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy

from bot.sandbox.demo.scenes.stage import Stage
from tests.e2e.product import HOUSE_KINDS, House, HouseOrder, carry_over, moved_in, prepare
from tests.support.otlp_receiver import OtlpReceiver, receiving
from tests.support.pooler import pooled, pooler_program
from tests.support.postgres_server import TEMPLATE, PostgresServer

SERVERS = 5
"Connections to PostgreSQL that the pooler has for all processes of a house."


@pytest.fixture(scope="session")
def _prepared(_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare one SQLite file that every house begins with: its release has passed."""
    folder = tmp_path_factory.mktemp("prepared")
    file = Path(shutil.copy(_sqlite, folder / "prepared.db"))
    prepare(f"sqlite:///{file}", folder)
    return file


@pytest.fixture(scope="session")
def collector() -> Iterator[OtlpReceiver]:
    """Receive the traces of every process that is started meanwhile."""
    with receiving() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


@pytest.fixture(scope="session", params=HOUSE_KINDS, ids=["http-sqlite", "socket-postgres"])
def house(
    request: pytest.FixtureRequest,
    _prepared: Path,
    collector: OtlpReceiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """Start the whole product, in both of its kinds; what a test asks about is its own tickets alone.

    PostgreSQL is behind a PgBouncer in transaction mode, where the machine has one.
    """
    order: HouseOrder = request.param
    collector.spans.clear()  # the turns of every house are numbered from 1, and so are their traces
    folder = tmp_path_factory.mktemp("house")
    if order.database == "sqlite":
        url = f"sqlite:///{shutil.copy(_prepared, folder / 'deskhand.db')}"
    else:
        server: PostgresServer = request.getfixturevalue("_postgres")
        url = _new_postgres(server.address)
        carry_over(f"sqlite:///{_prepared}", url)
    with ExitStack() as ends:
        behind = order.database == "postgres" and pooler_program() is not None
        pooler = ends.enter_context(pooled(url, folder, servers=SERVERS)) if behind else None
        yield ends.enter_context(moved_in(order, url, folder, pooler=pooler))


@pytest.fixture
def stage(house: House) -> Stage:
    """Return the house's stage: people's hands and eyes."""
    return house.stage


@pytest.fixture
def untroubled(house: House) -> Iterator[None]:
    """Hold a test to this: no process logs an error or dies, and no job fails."""
    before = house.complaints(), house.failed_jobs()
    yield
    assert (house.complaints(), house.failed_jobs()) == before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of every log beside a failure."""
    report = yield
    house = getattr(item, "funcargs", {}).get("house")
    if report.failed and isinstance(house, House):
        report.sections.append(("the house's logs", house.last_words()))
    return report


def _new_postgres(admin: sqlalchemy.URL) -> str:
    name = f"house_{uuid4().hex}"
    engine = sqlalchemy.create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine.dispose()
    return admin.set(database=name).render_as_string(hide_password=False)

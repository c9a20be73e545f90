"""The whole product as processes: what the end-to-end tests stand in."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from rq.registry import FailedJobRegistry

from bot.directory import seed_file
from bot.sandbox.demo.launch import RunningDemo
from bot.sandbox.demo.processes import Supervisor
from bot.sandbox.demo.scenes.stage import Stage
from bot.store import db
from bot.store.accounts import accounts
from bot.store.schema import Base
from tests.e2e.product_processes import KEYS, Site
from tests.support import crowd
from tests.support.forked_processes import ForkingCrew
from tests.support.pooler import Pooler
from tests.support.queues import queue_of

LAST_LINES = 25
OF_CLIENTS = frozenset({"client|setinfo", "client"})
"What a test's own client begins with, and is refused, as Redis 7 and Redis 6 write it down."


@dataclass(frozen=True)
class HouseOrder:
    """What kind of house a test wants."""

    database: str
    "sqlite or postgres"
    socket: bool
    "Hear Slack over Socket Mode instead of HTTP."
    model_seconds: float = 0.02
    workers: int = 2


SMALL = HouseOrder("postgres", socket=True)
"Socket Mode, no public address; the database beside it is the large one, so that both kinds are seen."
HTTP = HouseOrder("sqlite", socket=False)
HOUSE_KINDS = (HTTP, SMALL)


@dataclass(frozen=True)
class House:
    """Everything up: the stage acts in the workspace and looks into the database."""

    order: HouseOrder
    stage: Stage
    supervisor: Supervisor
    environment: dict[str, str]
    pooler: Pooler | None = None
    "Before the database of the processes, but not of the stage."

    def complaints(self) -> list[str]:
        """Return every log line of level error, every traceback, start after a death, and what Redis has refused."""
        found = [f"{name} died {times} times" for name, times in self.supervisor.restarts.items()]
        with redis.Redis(port=urlsplit(self.environment["REDIS_URL"]).port or 0) as admin:
            refused = {entry["object"] for entry in admin.acl_log()} - OF_CLIENTS
            found += [f"redis refused {what}" for what in sorted(refused)]
        for log in sorted(self.supervisor.logs.glob("*.log")):
            for line in log.read_text(errors="replace").splitlines():
                level = _level(line)
                if level in ("error", "critical") or line.startswith("Traceback"):
                    found.append(f"{log.stem}: {line[:2000]}")
        return found

    def failed_jobs(self) -> list[str]:
        """Return the jobs that RQ counts as failed."""
        with redis.Redis.from_url(self.environment["REDIS_URL"]) as connection:
            return list(FailedJobRegistry(queue=queue_of(connection)).get_job_ids())

    def last_words(self) -> str:
        """Return the end of every log."""
        logs = sorted(self.supervisor.logs.glob("*.log"))
        ends = {log.name: log.read_text(errors="replace").splitlines()[-LAST_LINES:] for log in logs}
        return "\n".join(line for name, lines in ends.items() for line in (f"--- {name}", *lines))


@contextmanager
def moved_in(
    order: HouseOrder, database_url: str, folder: Path, config: Path | None = None, *, pooler: Pooler | None = None
) -> Iterator[House]:
    """Start everything, and end everything with the block.

    Args:
        order: what kind.
        database_url: a database that holds the directory and a release that has passed (see `prepare`).
        folder: where logs and Redis's data are kept.
        config: another configuration than this checkout's, with room for everybody.
        pooler: what the processes have before the database.
    """
    site = Site.choose(database_url if pooler is None else pooler.url, config)
    with closing(db.connect(database_url)) as database, ForkingCrew(folder / "logs") as supervisor:
        supervisor.start(site.redis(folder), site.model(order.model_seconds), site.slack(socket_mode=order.socket))
        workers = [site.worker(number) for number in range(1, order.workers + 1)]
        supervisor.start(site.socket() if order.socket else site.web(), *workers, site.clock())
        running_demo = RunningDemo(supervisor, site.address("slack"), site.address("model"), database, KEYS)
        yield House(order, Stage(running_demo, print), supervisor, site.environment, pooler)


def prepare(database_url: str, folder: Path, config: Path | None = None, agents: Sequence[str] = ("access",)) -> None:
    """Fill a migrated database: the directory, and releases that have really passed their evaluation."""
    site = Site.choose(database_url, config)
    with closing(db.connect(database_url)) as database, database.write() as session:
        accounts.seed(session, seed_file.read(crowd.crowd_people()))
    with ForkingCrew(folder / "logs") as supervisor:
        supervisor.start(site.redis(folder), site.model(0.0))
        for agent in agents:
            supervisor.run(site.evaluation(agent), show=print)


def carry_over(prepared_url: str, database_url: str) -> None:
    """Fill another migrated database with what a prepared one holds."""
    tables = ("accounts", "sign_ins", "releases", "eval_runs", "eval_results", "release_verdicts")
    with closing(db.connect(prepared_url)) as old, closing(db.connect(database_url)) as new:
        for name in tables:
            table = Base.metadata.tables[name]
            with old.engine.connect() as connection:
                rows = [row._asdict() for row in connection.execute(table.select())]
            if rows:
                with new.engine.begin() as connection:
                    connection.execute(table.insert(), rows)


def _level(line: str) -> str:
    try:
        return str(json.loads(line).get("level"))
    except (ValueError, AttributeError):
        return ""

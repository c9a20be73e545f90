"""Where the processes of one test stand: their ports, what they are told, and how each is started."""

import json
import socket
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis
from rq import Worker

from bot import redis_rights
from bot.sandbox.demo.entrypoints import PAGE_KEY
from bot.sandbox.demo.launch import PROXIES, keys_of
from bot.sandbox.demo.processes import Program, answers, redis_server
from tests.e2e.generous_config import roomy
from tests.support.delegations import KEY_OF_TESTS
from tests.support.paths import ROOT
from tests.support.redis_servers import free_port

TOKENS = {
    "SLACK_BOT_TOKEN": "xoxb-e2e",
    "SLACK_APP_TOKEN": "xapp-e2e",
    "SLACK_SIGNING_SECRET": "e2e-secret",
    "ANTHROPIC_API_KEY": "e2e-model",
    "DESKHAND_DELEGATION_KEYS": KEY_OF_TESTS,
    PAGE_KEY: "e2e-page",
}
SLACK_WAITS_SECONDS = 30.0
"How long the workspace waits for an answer, and a trigger is good: Slack's own three are too short for a busy machine."
KEYS = keys_of(TOKENS)
"Headers by which the workspace and the stand-in know the tests."

REDIS_PASSWORD = "e2e-redis"
REDIS_USER = ("--user", "deskhand", "on", f">{REDIS_PASSWORD}", *redis_rights.rule().split())
"Options of a redis-server whose user has the rights that Deskhand needs and no others."
REDIS_USER_WITH_ALL = (*REDIS_USER[:4], "~*", "&*", "+@all")
"The same for a user who may do everything, as other queues than ours have keys of their own."

METRICS_PORTS = 12
"So many ports, from the first one on, are tried by each process that tells metrics."

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Site:
    """Ports of this machine, and the environment that names them."""

    ports: dict[str, int]
    environment: dict[str, str]

    @classmethod
    def choose(cls, database_url: str, config: Path | None = None) -> Self:
        """Take free ports for everything; without another configuration it is this checkout's, with room."""
        ports = {name: free_port() for name in ("redis", "model", "slack", "web")}
        ports["metrics"] = free_port(in_a_row=METRICS_PORTS)
        environment = {
            **TOKENS,
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://deskhand:{REDIS_PASSWORD}@127.0.0.1:{ports['redis']}/1",
            "SLACK_API_URL": f"http://127.0.0.1:{ports['slack']}/api/",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{ports['model']}",
            "DESKHAND_MODEL": "stand-in-1",
            "DESKHAND_CONFIG": str(config or roomy()),
            "DESKHAND_TURN_LEASE": "6",
            "DESKHAND_LOG": "json",
            "DESKHAND_METRICS": f"127.0.0.1:{ports['metrics']}-{ports['metrics'] + METRICS_PORTS - 1}",
            "HOST": "127.0.0.1",
            "PORT": str(ports["web"]),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **dict.fromkeys(PROXIES, ""),
        }
        return cls(ports, environment)

    def address(self, name: str) -> str:
        """Return the address of the web process, the workspace (`slack`) or the stand-in (`model`)."""
        return f"http://127.0.0.1:{self.ports[name]}/"

    def redis(self, folder: Path, *, user: Sequence[str] = REDIS_USER) -> Program:
        """Return a redis-server that keeps nothing, with one user."""
        port = self.ports["redis"]
        command = [redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        command += user
        return Program("redis", command, is_up=lambda _: _listens(port), outlives=True)

    def model(self, seconds: float) -> Program:
        """Return the stand-in, whose answers take so many seconds."""
        command = ["bot.sandbox.demo.entrypoints", "stand-in", "--seconds", str(seconds)]
        return self.python("stand-in", command, port="model", path="", outlives=True)

    def slack(self, *, socket_mode: bool) -> Program:
        """Return the workspace, which delivers to the web process unless Socket Mode is all it has."""
        deliver_to = [] if socket_mode else [f"{self.address('web')}slack/events"]
        return self.python(
            "slack", ["tests.e2e.workspace_process", *deliver_to], port="slack", path="healthz", outlives=True
        )

    def web(self) -> Program:
        """Return Deskhand's web process."""
        return self.python("web", ["bot.cli", "web"], port="web", path="healthz")

    def socket(self) -> Program:
        """Return Deskhand's Socket Mode process; it is up once it has asked for its connection."""

        def is_up(_pid: int) -> bool:
            entries = direct(f"{self.address('slack')}sandbox/log")
            return any(entry["name"] == "apps.connections.open" for entry in entries)

        return Program("socket", [sys.executable, "-m", "bot.cli", "socket"], self.environment, is_up=is_up)

    def worker(self, number: int) -> Program:
        """Return a worker, without the command line that would only turn into it."""

        def is_up(pid: int) -> bool:
            with redis.Redis.from_url(self.environment["REDIS_URL"]) as connection:
                return any(f":{pid}:" in key for key in Worker.all_keys(connection))

        return Program(f"worker-{number}", [sys.executable, "-m", "jobs.worker"], self.environment, is_up=is_up)

    def clock(self) -> Program:
        """Return the clock."""
        return Program("clock", [sys.executable, "-m", "jobs.clock"], self.environment)

    def evaluation(self, agent: str = "access") -> Program:
        """Return the evaluation of an agent, which plays each case once; it fails unless its release passes."""
        command = [sys.executable, "-m", "bot.cli", "eval", "run", "--agent", agent, "--repeats", "1", "--workers", "1"]
        return Program(f"eval-run-{agent}", command, self.environment)

    def python(self, name: str, module: list[str], *, port: str, path: str, outlives: bool = False) -> Program:
        """Return a module of ours that is up once it answers at a path of its port."""
        healthy, at = f"{self.address(port)}{path}", {**self.environment, "PORT": str(self.ports[port])}
        command = [sys.executable, "-m", *module]
        return Program(name, command, at, is_up=lambda _: answers(healthy), outlives=outlives)


def direct(url: str, body: object = None) -> Any:
    """Ask one of our own addresses, past any proxy; with a body, by POST."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **KEYS}
    with _DIRECT.open(urllib.request.Request(url, data, headers)) as answer:  # noqa: S310 - ours
        return json.load(answer)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

"""One sitting on one machine: everything that the demo and the tour start, in the order it is needed.

Real are Redis, the database and Deskhand's own processes; the Slack workspace is ours, and so is the model
unless Claude is asked for. All of it is ended with the block that started it.
"""

import os
import re
import secrets
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import yaml

from bot import durations, private, yaml_text
from bot.agent import card
from bot.agent.release import release_of
from bot.directory import seed_file
from bot.directory.local import LocalDirectory
from bot.ground import Ground
from bot.sandbox import standin
from bot.sandbox.demo import folder
from bot.sandbox.demo.entrypoints import PAGE_KEY, PEOPLE
from bot.sandbox.demo.processes import CannotRun, Crew, Program, answers, free_port, redis_server
from bot.sandbox.guard import KEY_HEADER
from bot.settings import Settings
from bot.store import db, marks, releases, revisions
from bot.store.db import Database

FREE_BYTES = 50_000_000
LONGEST_SOCKET = 100
"Of a socket's path, in bytes: systems take little more."
WORKERS = 2
"Short, so that a visitor who kills a worker need not wait."
STANDIN = "The stand-in model answers here, not Claude."
CLAUDE = "Claude answers here."
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

PROGRESS = re.compile(r"(\d+)/\d+ played")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started, and where."""

    state: Path
    "Folder of all that is kept."
    config: Path
    "Folder of agents, budgets and prices."
    page_port: int
    claude: bool = False
    "Claude answers, with the key of the environment; else the stand-in."
    model_seconds: float = 0.3
    "How long an answer of the stand-in takes."
    fresh: bool = False
    "Forget what was kept."
    caps: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    "Caps of single channels, put over those of the budget file."


@dataclass(frozen=True, slots=True)
class Sitting:
    """Everything, up and answering."""

    crew: Crew
    page: str
    "Address of the workspace."
    model: str | None
    "Address of the stand-in; None when Claude answers."
    database: Database
    keys: Mapping[str, str]
    "Headers by which the workspace and the stand-in know us."

    @property
    def door(self) -> str:
        """Return the address that opens the page."""
        return f"{self.page}?key={self.keys[KEY_HEADER]}"


@dataclass(frozen=True, slots=True)
class _Ports:
    page: int
    web: int
    model: int


@contextmanager
def sit_down(order: Order, say: Say) -> Iterator[Sitting]:
    """Start everything, and end everything with the block.

    Args:
        order: what, and where.
        say: shows a line of progress.

    Raises:
        CannotRun: something does not start, or there is no room for it.
        ConfigError: a card is wrong.
    """
    state = order.state.absolute()
    private.folder(state)
    if shutil.disk_usage(state).free < FREE_BYTES:
        raise CannotRun(f"The disk that holds {order.state} is full: {FREE_BYTES // 1_000_000} MB are needed.")
    ports = _Ports(order.page_port, free_port(), free_port())
    with folder.held(state, fresh=order.fresh) as ground, _socket(state) as redis, Crew(state / "logs") as crew:
        environment = _environment(order, ports, state, _config(order, state)) | {
            "DESKHAND_GROUND": ground.kind,
            "REDIS_URL": f"unix://{quote(str(redis))}?db=0",
        }
        crew.start(_redis(redis, state))
        database = _database(state / "deskhand.db", ground)
        try:
            with folder.told(state, environment):
                crew.start(*_world(order, ports, environment, state))
                for program in _deskhand(environment, ports, redis):
                    crew.launch(program)
                _evaluate(crew, database, environment, say, claude=order.claude)
                crew.wait()
                model = None if order.claude else _address(ports.model)
                yield Sitting(crew, _address(ports.page), model, database, keys_of(environment))
        finally:
            database.close()


def _environment(order: Order, ports: _Ports, state: Path, config: Path) -> dict[str, str]:
    """Return what every process of this sitting is told; the tokens are worth nothing outside it."""
    common = {
        "DATABASE_URL": f"sqlite:///{state / 'deskhand.db'}",
        "SLACK_BOT_TOKEN": f"xoxb-{secrets.token_hex(12)}",
        "SLACK_APP_TOKEN": f"xapp-{secrets.token_hex(12)}",
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
        "SLACK_API_URL": f"{_address(ports.page)}api/",
        PAGE_KEY: secrets.token_urlsafe(24),
        "DESKHAND_CONFIG": str(config),
        "DESKHAND_TURN_LEASE": f"{durations.TURN_LEASE:g}",
        "DESKHAND_LOG": "console",
        "HOST": "127.0.0.1",
        "PORT": str(ports.web),
        "PYTHONUNBUFFERED": "1",
    }
    if order.claude:
        return common
    model = {
        "ANTHROPIC_BASE_URL": _address(ports.model).rstrip("/"),
        "ANTHROPIC_API_KEY": f"stand-in-{secrets.token_urlsafe(24)}",
        "DESKHAND_MODEL": standin.MODEL,
    }
    return {**common, **model, **dict.fromkeys(PROXIES, "")}


def keys_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by which the workspace and, unless Claude answers, the stand-in know our own programs."""
    model = environment.get("ANTHROPIC_API_KEY")
    return {KEY_HEADER: environment[PAGE_KEY], **({} if model is None else {"x-api-key": model})}


@contextmanager
def _socket(state: Path) -> Iterator[Path]:
    """Return where Redis listens: no other account of the machine gets there, as it would to a port."""
    private.folder(state / "redis")
    inside = state / "redis" / "redis.sock"
    if len(os.fsencode(inside)) < LONGEST_SOCKET:
        yield inside
    else:
        with TemporaryDirectory(prefix="deskhand-") as elsewhere:
            yield Path(elsewhere) / "redis.sock"


def _redis(listens: Path, state: Path) -> Program:
    command = [redis_server(), "--port", "0", "--unixsocket", str(listens), "--unixsocketperm", "700"]
    command += ["--dir", str(state / "redis")]
    return Program("redis", command, is_up=lambda _: _redis_says(listens, "PING") == "+PONG", outlives=True)


def _database(file: Path, ground: Ground) -> Database:
    """Bring the schema of this demo's database up to date, and fill the directory when it is empty.

    A new one gets its name only when it bears the mark, so that one without a mark is somebody else's.
    """
    if not file.exists():
        fresh = file.with_name(f"{file.name}.new")
        fresh.unlink(missing_ok=True)
        revisions.migrate(f"sqlite:///{fresh}")
        with closing(db.connect(f"sqlite:///{fresh}")) as made:
            marks.put(made, ground)
        fresh.replace(file)
    database = db.connect(f"sqlite:///{file}")
    marks.look_before_migrating(database, ground.kind)
    revisions.migrate(f"sqlite:///{file}")
    if marks.enter(database, ground.kind) != ground:
        raise CannotRun(f"{file} is another demo's: move it away, or begin again with --fresh.")
    people, directory = seed_file.read(PEOPLE), LocalDirectory(database)
    if directory.account(people[0].id) is None:
        directory.seed(people)
    return database


def _world(order: Order, ports: _Ports, environment: dict[str, str], state: Path) -> Iterator[Program]:
    """Return what stands in for the world outside: Slack and, unless Claude is asked, the model."""
    part = [sys.executable, "-m", "bot.sandbox.demo.entrypoints"]
    slack = [*part, "workspace", "--deliver-to", f"{_address(ports.web)}slack/events"]
    slack += ["--state", str(state / "workspace.json"), "--banner", CLAUDE if order.claude else STANDIN]
    healthy = f"{_address(ports.page)}healthz"
    at = {**environment, "PORT": str(ports.page)}
    yield Program("workspace", slack, at, is_up=lambda _: answers(healthy), outlives=True)
    if not order.claude:
        model, address = [*part, "stand-in", "--seconds", str(order.model_seconds)], _address(ports.model)
        at = {**environment, "PORT": str(ports.model)}
        yield Program("stand-in", model, at, is_up=lambda _: answers(address), outlives=True)


def _deskhand(environment: dict[str, str], ports: _Ports, redis: Path) -> Iterator[Program]:
    """Return Deskhand's own processes, as the Procfile has them."""
    ours = [sys.executable, "-m", "bot.cli"]
    healthy = f"{_address(ports.web)}healthz"
    yield Program("web", [*ours, "web"], environment, is_up=lambda _: answers(healthy))
    for number in range(1, WORKERS + 1):
        yield Program(f"worker-{number}", [*ours, "worker"], environment, is_up=lambda pid: _is_registered(redis, pid))
    yield Program("clock", [*ours, "clock"], environment)


def _evaluate(crew: Crew, database: Database, environment: dict[str, str], say: Say, *, claude: bool) -> None:
    """Evaluate each agent whose release never was: only one that passes may serve."""
    paid = " Its model calls are paid with your key." if claude else ""
    ours = {name.lower(): environment[name] for name in ("DESKHAND_MODEL", "ANTHROPIC_BASE_URL") if name in environment}
    settings = Settings.from_environment().model_copy(update=ours)
    for agent in card.load_all(Path(environment["DESKHAND_CONFIG"])).values():
        release = release_of(settings, agent)
        with database.read() as session:
            verdict = releases.verdict(session, str(release))
        if verdict is None:
            say(f"Evaluating {release}: only a release that passes may serve.{paid}")
            command = [sys.executable, "-m", "bot.cli", "eval", "run", "--agent", agent.card.name]
            try:
                crew.run(Program("eval", command, environment), show=lambda line: _show_sparingly(line, say))
            except CannotRun as failed:
                if not claude:
                    raise
                say(f"{failed}\nSo every request will go to a person.")


def _show_sparingly(line: str, say: Say) -> None:
    """Show a report whole, and of its progress one line in twenty."""
    progress = PROGRESS.match(line)
    if progress is None or int(progress[1]) % 20 == 0:
        say(f"  {line}")


def _config(order: Order, state: Path) -> Path:
    """Return the folder of configuration: the given one, or a copy with other caps."""
    if not order.caps:
        return order.config.absolute()
    copy = state / "config"
    shutil.copytree(order.config, copy, dirs_exist_ok=True)
    budgets = copy / "budgets.yaml"
    content = yaml_text.load(budgets.read_text())
    content.setdefault("channel", {}).setdefault("named", {}).update(order.caps)
    budgets.write_text(yaml.safe_dump(content))
    for path in (copy, *copy.rglob("*")):
        private.tighten(path)
    return copy


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def _is_registered(redis: Path, process: int) -> bool:
    """Say if a worker of this process number has told Redis that it takes jobs."""
    return re.search(rf":{process}\b", _redis_says(redis, "SMEMBERS rq:workers")) is not None


def _redis_says(listens: Path, command: str) -> str:
    """Return the short answer to an inline command; empty while there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(listens))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(4096).decode().strip()
    except OSError:
        return ""

"""Everything that the demo and the tour start on one machine, in the order in which it is needed.

Redis, the database and Deskhand's own processes are real. The Slack workspace is ours, and so is the model, unless the
demo is to use Claude. All of it ends with the block that started it.
"""

import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import yaml

from bot import configured_keys, durations, env_file, private, yaml_text
from bot.agent import card
from bot.agent.release import release_of
from bot.delegation import keys
from bot.directory import seed_file
from bot.directory.local import LocalDirectory
from bot.ground import Ground
from bot.sandbox import standin
from bot.sandbox.demo import demo_redis, enrolment, folder
from bot.sandbox.demo.entrypoints import PAGE_KEY, PEOPLE
from bot.sandbox.demo.processes import CannotRun, Program, Supervisor, answers, free_port
from bot.sandbox.guard import KEY_HEADER
from bot.second_step import secret_box
from bot.settings import Settings
from bot.store import db
from bot.store.db import Database
from bot.store.installation import marks, revisions
from bot.store.releases import verdicts

FREE_BYTES = 50_000_000
WORKERS = 2
"Short, so that a visitor who kills a worker does not wait long."
STANDIN = "The stand-in model answers here, not Claude."
CLAUDE = "Claude answers here."
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

PROGRESS = re.compile(r"(\d+)/\d+ played")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """What to start, and where."""

    state: Path
    "The folder for everything that is kept."
    config: Path
    "The folder of agents, budgets and prices."
    page_port: int
    claude: bool = False
    "Whether Claude answers, with the key of the environment; otherwise the stand-in does."
    model_seconds: float = 0.3
    "How many seconds an answer of the stand-in takes."
    fresh: bool = False
    "Whether to delete what an earlier demo kept."
    caps: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    "Caps of single channels, which override those of the budget file."


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """The running demo."""

    supervisor: Supervisor
    page: str
    "The address of the workspace."
    model: str | None
    "The address of the stand-in; None when Claude answers."
    database: Database
    keys: Mapping[str, str]
    "Headers that show the workspace and the stand-in that a request is ours."
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def entry_url(self) -> str:
        """Return the address that opens the page, with its key."""
        return f"{self.page}?key={self.keys[KEY_HEADER]}"


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """Ports of this machine."""

    page: int
    web: int
    model: int


@contextmanager
def start(options: LaunchOptions, say: Say) -> Iterator[RunningDemo]:
    """Start everything, and end it with the block.

    Args:
        options: what to start, and where.
        say: shows a line of progress.

    Raises:
        CannotRun: something does not start, or the disk is full.
        ConfigError: a card is wrong.
    """
    state = options.state.absolute()
    private.folder(state)
    if shutil.disk_usage(state).free < FREE_BYTES:
        raise CannotRun(f"The disk that holds {options.state} is full: {FREE_BYTES // 1_000_000} MB are needed.")
    ports = DemoPorts(options.page_port, free_port(), free_port())
    with (
        folder.locked(state, fresh=options.fresh) as ground,
        demo_redis.socket_of(state) as redis,
        Supervisor(state / "logs") as supervisor,
    ):
        environment = _environment(options, ports, state, _config(options, state)) | {
            "DESKHAND_GROUND": ground.kind,
            "REDIS_URL": f"unix://{quote(str(redis))}?db=0",
        }
        supervisor.start(demo_redis.program(redis, state))
        database = _database(environment["DATABASE_URL"], ground)
        try:
            enrolment.enrol(database, environment, state / folder.AUTHENTICATORS)
            with folder.published(state, environment):
                supervisor.start(*world(options, ports, environment, state))
                for program in _deskhand(environment, ports, redis):
                    supervisor.launch(program)
                _evaluate(supervisor, database, environment, say, claude=options.claude)
                supervisor.wait()
                model = None if options.claude else address(ports.model)
                keys = keys_of(environment)
                yield RunningDemo(supervisor, address(ports.page), model, database, keys, environment)
        finally:
            database.close()


def _environment(options: LaunchOptions, ports: DemoPorts, state: Path, config: Path) -> dict[str, str]:
    """Return the environment of every process of this demo; its tokens are valid nowhere else."""
    common = {
        "DATABASE_URL": database_url(state),
        "SLACK_BOT_TOKEN": f"xoxb-{secrets.token_hex(12)}",
        "SLACK_APP_TOKEN": f"xapp-{secrets.token_hex(12)}",
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
        "SLACK_API_URL": f"{address(ports.page)}api/",
        PAGE_KEY: secrets.token_urlsafe(24),
        **{kind.variable: configured_keys.generate(kind) for kind in (keys.KIND, secret_box.KIND)},
        "DESKHAND_CONFIG": str(config),
        "DESKHAND_TURN_LEASE": f"{durations.TURN_LEASE:g}",
        env_file.VARIABLE: "",
        "DESKHAND_LOG": "console",
        "HOST": "127.0.0.1",
        "PORT": str(ports.web),
        "DESKHAND_PUBLIC_URL": address(ports.web).rstrip("/"),
        "PYTHONUNBUFFERED": "1",
    }
    if options.claude:
        return common
    model = {
        "ANTHROPIC_BASE_URL": address(ports.model).rstrip("/"),
        "ANTHROPIC_API_KEY": f"stand-in-{secrets.token_urlsafe(24)}",
        "DESKHAND_MODEL": standin.MODEL,
    }
    return {**common, **model, **dict.fromkeys(PROXIES, "")}


def keys_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that show the workspace and, unless Claude answers, the stand-in that a request is ours."""
    model = environment.get("ANTHROPIC_API_KEY")
    return {KEY_HEADER: environment[PAGE_KEY], **({} if model is None else {"x-api-key": model})}


def database_url(state: Path) -> str:
    """Return the address of the database of a demo that keeps its state in a folder."""
    return f"sqlite:///{state / 'deskhand.db'}"


def _database(url: str, ground: Ground) -> Database:
    """Bring this demo's database to the current schema, and fill the directory if it is empty.

    A new database is given its name only when it is marked, so a file without a mark is somebody else's.
    """
    file = db.file_of(url)
    if file is not None and not file.exists():
        fresh = file.with_name(f"{file.name}.new")
        fresh.unlink(missing_ok=True)
        revisions.migrate(f"sqlite:///{fresh}")
        with closing(db.connect(f"sqlite:///{fresh}")) as made:
            marks.put(made, ground)
        fresh.replace(file)
    database = db.connect(url)
    marks.look_before_migrating(database, ground.kind)
    revisions.migrate(url)
    if marks.enter(database, ground.kind) != ground:
        raise CannotRun(f"{file} belongs to another demo: move it away, or start again with --fresh.")
    people, directory = seed_file.read(PEOPLE), LocalDirectory(database)
    if directory.account(people[0].id) is None:
        directory.seed(people)
    return database


def world(options: LaunchOptions, ports: DemoPorts, environment: dict[str, str], state: Path) -> Iterator[Program]:
    """Return the programs that replace the outside world: Slack and, unless Claude answers, the model."""
    part = [sys.executable, "-m", "bot.sandbox.demo.entrypoints"]
    slack = [*part, "workspace", "--deliver-to", f"{address(ports.web)}slack/events"]
    slack += ["--banner", CLAUDE if options.claude else STANDIN, "--state", str(state / "workspace.json")]
    slack += ["--authenticators", str(state / folder.AUTHENTICATORS)]
    at = {**environment, "PORT": str(ports.page)}
    yield Program("workspace", slack, at, is_up=lambda _: answers(f"{address(ports.page)}healthz"), outlives=True)
    if not options.claude:
        model, where = [*part, "stand-in", "--seconds", str(options.model_seconds)], address(ports.model)
        at = {**environment, "PORT": str(ports.model)}
        yield Program("stand-in", model, at, is_up=lambda _: answers(where), outlives=True)


def _deskhand(environment: dict[str, str], ports: DemoPorts, redis: Path) -> Iterator[Program]:
    """Return Deskhand's own processes, as in the Procfile."""
    ours = [sys.executable, "-m", "bot.cli"]
    yield Program("web", [*ours, "web"], environment, is_up=lambda _: answers(f"{address(ports.web)}healthz"))
    for number in range(1, WORKERS + 1):
        yield Program(
            f"worker-{number}", [*ours, "worker"], environment, is_up=lambda pid: demo_redis.has_worker(redis, pid)
        )
    yield Program("clock", [*ours, "clock"], environment)


def _evaluate(
    supervisor: Supervisor, database: Database, environment: dict[str, str], say: Say, *, claude: bool
) -> None:
    """Evaluate each agent whose release has no verdict: only one that passes may serve."""
    paid = " Its model calls are paid with your key." if claude else ""
    ours = {name.lower(): environment[name] for name in ("DESKHAND_MODEL", "ANTHROPIC_BASE_URL") if name in environment}
    settings = Settings.from_environment(reaches_others=False).model_copy(update=ours)
    for agent in card.load_all(Path(environment["DESKHAND_CONFIG"])).values():
        release = release_of(settings, agent)
        with database.read() as session:
            said = verdicts.standing(session, str(release), agent.suite)
        if said.verdict is None:
            say(f"Evaluating {release}: only a release that passes may serve.{paid}")
            command = [sys.executable, "-m", "bot.cli", "eval", "run", "--repeats", "1"]
            command += ["--agent", agent.card.name]
            try:
                supervisor.run(Program("eval", command, environment), show=lambda line: _show_sparingly(line, say))
            except CannotRun as failed:
                if not claude:
                    raise
                say(f"{failed}\nSo every request will go to a person.")


def _show_sparingly(line: str, say: Say) -> None:
    """Show every line of a report, but only one in twenty lines of its progress."""
    progress = PROGRESS.match(line)
    if progress is None or int(progress[1]) % 20 == 0:
        say(f"  {line}")


def _config(options: LaunchOptions, state: Path) -> Path:
    """Return the configuration folder: the given one, or a copy with other caps."""
    if not options.caps:
        return options.config.absolute()
    copy = state / "config"
    shutil.copytree(options.config, copy, dirs_exist_ok=True)
    budgets = copy / "budgets.yaml"
    content = yaml_text.load(budgets.read_text())
    content.setdefault("channel", {}).setdefault("named", {}).update(options.caps)
    budgets.write_text(yaml.safe_dump(content))
    for path in (copy, *copy.rglob("*")):
        private.tighten(path)
    return copy


def address(port: int) -> str:
    """Return the address of a port of this machine."""
    return f"http://127.0.0.1:{port}/"

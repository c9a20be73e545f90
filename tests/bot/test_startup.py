"""How each process starts with one setting wrong: one line that names it, exit code 2, and nothing of a secret."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import uvicorn

from bot import configured_keys
from bot.audit_chain import proofs
from bot.cli import audit_checkpoint
from bot.settings import Settings
from bot.web.socket import SocketListener
from jobs import clock, process, worker
from tests.support import forked_processes
from tests.support.command_line import deskhand
from tests.support.delegations import KEY_OF_TESTS
from tests.support.local_workspace import LocalWorkspace
from tests.support.paths import CONFIG, ROOT
from tests.support.slack_workspace import served_workspace, workspace
from tests.support.worker_harness import SECONDS

__all__ = ["served_workspace", "workspace"]

SECRET = "hush-9"
"A part of every wrong value that may hold a secret."
EVERY = frozenset({"web", "socket", "worker", "clock", "signer"})
SERVING = EVERY - {"signer"}
HTTP = (SECRET, f"ftp://u:{SECRET}@h/", f"https://u:{SECRET}@h:port/", "http://", "https://a b/")
TOKENS = (f"xoxb-{SECRET} x", f"xoxb-{SECRET}\n", f"'{SECRET}'", f"{SECRET}\u2026")
KEYS = (SECRET, f"dhdk_{SECRET}", f"{KEY_OF_TESTS},{SECRET}")
NOWHERE = ("/nowhere/at/all", str(ROOT), str(ROOT / "README.md"))
"No file, a folder, and a file that holds something else."


@dataclass(frozen=True)
class Wrong:
    """Wrong values of one setting, and the processes that read it."""

    values: tuple[str, ...]
    read_by: frozenset[str] = EVERY
    beside: tuple[tuple[str, str], ...] = ()
    "What else is set."


IN_MEMORY = (
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite+pysqlite://",
    "sqlite:///file:x?mode=memory&uri=true",
)
NUMBERS = ("many", "-1", "nan")
WRONG: dict[str, Wrong] = {
    "database_url": Wrong(
        (
            SECRET,
            f"mysql://u:{SECRET}@h/d",
            f"postgresql://u:a@{SECRET}@h/d",
            f"postgresql://u:{SECRET}@h:p/d",
            *IN_MEMORY,
        )
    ),
    "database_owner_url": Wrong((SECRET, f"mysql://u:{SECRET}@h/d", f"postgresql://u:a@{SECRET}@h/d")),
    "redis_url": Wrong(
        (SECRET, f"http://:{SECRET}@h", f"redis://:{SECRET}/x@h", f"redis://:{SECRET}@h:p", "redis://h/x")
    ),
    "slack_bot_token": Wrong(TOKENS),
    "slack_app_token": Wrong(TOKENS),
    "slack_signing_secret": Wrong((*TOKENS, f"{SECRET},")),
    "slack_client_id": Wrong(TOKENS),
    "slack_client_secret": Wrong(TOKENS),
    "slack_api_url": Wrong((*HTTP, "https://slack.com/api")),
    "anthropic_base_url": Wrong(HTTP),
    "deskhand_model": Wrong(("a model", "model\n", "'model'")),
    "deskhand_config": Wrong(NOWHERE, SERVING),
    "deskhand_turn_lease": Wrong(("0", *NUMBERS)),
    "deskhand_concurrency": Wrong(("0", "1001", *NUMBERS)),
    "deskhand_drain": Wrong(NUMBERS),
    "deskhand_idle": Wrong(("0", "3601", "1.5", *NUMBERS)),
    "deskhand_ground": Wrong(("mine", "DEMO", "installation,demo")),
    "deskhand_public_url": Wrong((*HTTP, "http://deskhand.example.com")),
    "deskhand_web_secret": Wrong((SECRET, f"{'x' * 32},{SECRET}", ",")),
    "deskhand_delegation_keys": Wrong(KEYS, frozenset({"worker"})),
    "deskhand_delegation_keys_file": Wrong(NOWHERE, frozenset({"worker"}), (("DESKHAND_DELEGATION_KEYS", ""),)),
    "deskhand_approver_key": Wrong(KEYS, frozenset({"web", "socket"})),
    "deskhand_approver_key_file": Wrong(NOWHERE, frozenset({"web", "socket"})),
    "audit_signing_key": Wrong(KEYS, EVERY, (("AUDIT_SIGNING_KEY_FILE", ""),)),
    "audit_signing_key_file": Wrong(NOWHERE),
    "audit_public_key": Wrong((SECRET, "{}", '{"kty": "OKP"}', ","), frozenset({"signer"})),
    "audit_checkpoints": Wrong((*NOWHERE[:2], f"{NOWHERE[2]}/under"), frozenset({"signer"})),
    "audit_channel": Wrong(("two words", "C1\n", "'C1'")),
    "deskhand_log": Wrong(("xml", "JSON", "json,console")),
    "deskhand_metrics": Wrong(("9464", "localhost:http", "localhost:9479-9464")),
    "otel_exporter_otlp_endpoint": Wrong(HTTP),
    "otel_exporter_otlp_traces_endpoint": Wrong(HTTP),
    "otel_sdk_disabled": Wrong(("maybe", "2", "'true'")),
    "host": Wrong(("a b", "http://localhost", "localhost:3000")),
    "port": Wrong(("http", "70000", "-1")),
}


class Began(Exception):
    """A process has begun its work."""


def began(*_given: object, **_options: object) -> None:
    """Say so, in place of the work."""
    raise Began


STARTS: dict[str, Callable[[], object]] = {
    "web": lambda: deskhand("web"),
    "socket": lambda: deskhand("socket"),
    "signer": lambda: deskhand("audit", "checkpoint", "--every", "60"),
    "worker": lambda: worker.main([], standalone_mode=False),
    "clock": clock.main,
}


@dataclass(frozen=True)
class Startup:
    """An environment in which every process could begin its work."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    signer: dict[str, str]

    def start(self, name: str, **changes: str) -> tuple[int | None, str]:
        """Start a process with some variables changed; return its exit code (None: it began) and words."""
        with self.monkeypatch.context() as patch:
            for variable, value in {**(self.signer if name == "signer" else {}), **changes}.items():
                patch.setenv(variable, value)
            try:
                code = STARTS[name]()
            except SystemExit as ended:
                code = ended.code
            except Began:
                code = None
        said = self.capsys.readouterr()
        return cast("int | None", code), said.err + said.out


@pytest.fixture
def startup(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    sqlite_url: str,
    redis_url: str,
    workspace: LocalWorkspace,
) -> Startup:
    """Return the environment; what each process does once it has started is to say that it began."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    variables = {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": redis_url,
        "SLACK_BOT_TOKEN": "xoxb-local",
        "SLACK_APP_TOKEN": "xapp-local",
        "SLACK_SIGNING_SECRET": "a-secret",
        "SLACK_API_URL": f"{workspace.base}/api/",
        "ANTHROPIC_API_KEY": "a-key",
        "DESKHAND_CONFIG": str(CONFIG),
        "DESKHAND_DELEGATION_KEYS": KEY_OF_TESTS,
        "PORT": "0",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    key = tmp_path / "signing.key"
    key.touch(0o600)
    key.write_text(configured_keys.generate(proofs.KIND))
    monkeypatch.setattr(uvicorn.Server, "run", began)
    monkeypatch.setattr(SocketListener, "listen", began)
    monkeypatch.setattr(worker, "_worker", began)
    monkeypatch.setattr(clock, "start", began)
    monkeypatch.setattr(clock, "STOP_SIGNALS", ())  # they stay with the tests
    monkeypatch.setattr(audit_checkpoint, "Event", Waiting)
    monkeypatch.setattr(process, "current", process.current.__wrapped__)
    return Startup(
        monkeypatch,
        capsys,
        {"AUDIT_SIGNING_KEY_FILE": str(key), "AUDIT_CHECKPOINTS": str(tmp_path / "checkpoints.jsonl")},
    )


class Waiting:
    """The signer between two rounds."""

    wait = began

    def is_set(self) -> bool:
        """Return that no signal has come."""
        return False


def test_every_setting_has_wrong_values() -> None:
    """At least three each."""
    assert set(WRONG) == set(Settings.model_fields)
    assert min(len(wrong.values) for wrong in WRONG.values()) >= 3


@pytest.mark.usefixtures("quiet_logs")
def test_without_a_wrong_setting_each_process_begins(startup: Startup) -> None:
    """Otherwise the next test would prove nothing; and Bolt has nothing to warn of."""
    begun = {name: startup.start(name) for name in STARTS}
    assert {name: code for name, (code, _) in begun.items()} == dict.fromkeys(STARTS)
    assert [said for _, said in begun.values() if "slack_bolt" in said] == []


@pytest.mark.usefixtures("quiet_logs")
@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_one_line(startup: Startup, setting: str) -> None:
    """It names the setting, or the file that it leads to; the process does not begin, and no secret is shown."""
    wrong = WRONG[setting]
    for name in sorted(wrong.read_by):
        for value in wrong.values:
            code, said = startup.start(name, **{setting.upper(): value, **dict(wrong.beside)})
            lines = [line for line in said.splitlines() if line.startswith("deskhand")]
            assert (code, len(lines)) == (2, 1), (name, value, said)
            assert setting.upper() in lines[0] or (value.startswith(NOWHERE) and value in lines[0]), (name, value, said)
            assert not any(word in said for word in (SECRET, "Traceback", KEY_OF_TESTS)), (name, value, said)
            assert [line for line in said.splitlines() if line[:1] not in "{d"] == [], (name, value, said)


@pytest.mark.usefixtures("quiet_logs")
@pytest.mark.parametrize("name", sorted(SERVING))
def test_a_persons_token_is_refused_by_every_process(startup: Startup, name: str) -> None:
    """Slack takes it, and it is nobody that we could speak as."""
    code, said = startup.start(name, SLACK_BOT_TOKEN="xoxp-local")
    assert (code, "SLACK_BOT_TOKEN: it is a person's token" in said) == (2, True)


@pytest.mark.usefixtures("quiet_logs")
def test_connections_idle_for_as_long_as_is_set(startup: Startup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer that keeps its connections for a minute must not meet one that we are just closing."""
    served: list[uvicorn.Config] = []

    def run(server: uvicorn.Server, **_options: object) -> None:
        served.append(server.config)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    for changes in ({}, {"DESKHAND_IDLE": "75"}):
        assert startup.start("web", **changes)[0] in (0, None)
    assert [config.timeout_keep_alive for config in served] == [5, 75]


@pytest.mark.usefixtures("quiet_logs")
def test_a_port_that_is_taken_is_one_line(startup: Startup) -> None:
    """And so is a host that is not this machine."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for changes in ({"PORT": str(taken.getsockname()[1])}, {"HOST": "192.0.2.1"}, {"HOST": "nowhere.invalid"}):
            code, said = startup.start("web", **changes)
            assert (code, said.count("deskhand: environment: HOST and PORT: nothing can listen on")) == (2, 1), said


@pytest.mark.parametrize("module", [["bot.cli", "web"], ["bot.cli", "socket"], ["jobs.worker"], ["jobs.clock"]])
def test_a_real_process_says_the_same(module: list[str], tmp_path: Path) -> None:
    """Its exit code reaches whoever has started it."""
    environment = {**os.environ, "DATABASE_URL": f"postgresql://u:a@{SECRET}@h/d"}
    output = tmp_path / "output"
    with output.open("wb") as into, forked_processes.start(module, environment, output=into) as started:
        assert started.wait(SECONDS) == 2
    [line] = output.read_text().splitlines()
    assert line.startswith("deskhand")
    assert "DATABASE_URL" in line
    assert SECRET not in line

"""`deskhand init` against the local workspace, a real Redis and a real model server."""

import difflib
import json
import os
import select
import shutil
import signal
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import env_file
from bot.agent import card
from bot.budget.caps import Budgets
from bot.settings import Settings
from tests.support import forked_processes
from tests.support.command_line import deskhand
from tests.support.local_workspace import LocalWorkspace
from tests.support.paths import CONFIG, ROOT
from tests.support.standin_model import standin

__all__ = ["standin"]

PEOPLE = {
    "--help-channel": "#help-access",
    "--queue-channel": "access-queue",
    "--owner": "olivia.hart@northwind.example",
    "--responder": "priya.nair@northwind.example",
}
"Answers that hold in the local workspace."
PATIENCE = 120.0
"Seconds after which a terminal shows nothing more."
SECRETS = ("xoxb-local", "xapp-local", "model-secret", "dhdk_")


@dataclass
class Checkout:
    """A checkout in which nobody has set anything up."""

    folder: Path
    said: pytest.CaptureFixture[str]

    def init(self, *words: str, **options: str) -> tuple[int, str, str]:
        """Run the command with options; return its exit code, what it printed, and what it said beside that."""
        chosen = PEOPLE | {f"--{name.replace('_', '-')}": value for name, value in options.items()}
        flat = [word for name, value in chosen.items() if value for word in (name, value)]
        code = deskhand("init", *words, *flat)
        printed = self.said.readouterr()
        assert not any(secret in printed.out + printed.err for secret in SECRETS)
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    def state(self) -> Mapping[str, bytes]:
        """Return every file with its content."""
        return {str(file): file.read_bytes() for file in sorted(self.folder.rglob("*")) if file.is_file()}

    def read(self, name: str) -> str:
        """Return the content of a file."""
        return (self.folder / name).read_text("utf-8")


@pytest.fixture
def checkout(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    workspace: LocalWorkspace,
    redis_url: str,
    standin: str,
) -> Iterator[Checkout]:
    """Stand in a fresh checkout, with tokens in the environment."""
    shutil.copytree(CONFIG, tmp_path / "config", ignore=shutil.ignore_patterns("examples"))
    shutil.copy(ROOT / ".env.example", tmp_path)
    before = dict(os.environ)
    for name in [*Settings.model_fields, env_file.VARIABLE]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    os.environ |= {
        "SLACK_API_URL": f"{workspace.base}/api/",
        "SLACK_BOT_TOKEN": "xoxb-local",
        "SLACK_APP_TOKEN": "xapp-local",
        "REDIS_URL": redis_url,
        "ANTHROPIC_API_KEY": "model-secret",
        "ANTHROPIC_BASE_URL": standin,
        "DESKHAND_MODEL": "stand-in",
    }
    yield Checkout(tmp_path, capsys)
    os.environ.clear()
    os.environ.update(before)


@dataclass
class Terminal:
    """Somebody who types what the command asks for."""

    process: forked_processes.Forked
    seen: str = ""

    def wait_for(self, words: str, *, end: str = "") -> None:
        """Read until some words are shown that were not there before, and the last ones are `end`."""
        assert self.process.stdout is not None
        shown = ""
        while words not in shown or not shown.endswith(end):
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            assert ready, f"waits for {words!r}: {self.seen}"
            try:
                more = self.process.stdout.read(4096).decode()
            except OSError:  # it has ended, and with it the terminal
                more = ""
            assert more, f"ended before {words!r}: {self.seen}"
            self.seen += more
            shown += more

    def answer(self, question: str, text: str = "") -> None:
        """Wait for a question, and type an answer; Enter alone keeps what is set up.

        A hidden answer is only read behind the last character of its question: what is typed before is thrown away.
        """
        self.wait_for(question, end=": ")
        self.type(text)

    def interrupt(self, words: str) -> None:
        """Press Ctrl-C until some words are shown: one that comes just before the wait for a key is only noted."""
        assert self.process.stdout is not None
        for _ in range(20):
            self.process.send_signal(signal.SIGINT)
            if select.select([self.process.stdout], [], [], PATIENCE / 20)[0]:
                break
        self.wait_for(words)

    def type(self, text: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n".encode())


@contextmanager
def at_terminal(checkout: Checkout) -> Iterator[Terminal]:
    """Sit down at a terminal and start the command, with neither token nor key in the environment."""
    (checkout.folder / ".env").write_text("# ours\n")
    places = {"DESKHAND_CONFIG": str(checkout.folder / "config"), env_file.VARIABLE: str(checkout.folder / ".env")}
    places["DATABASE_URL"] = f"sqlite:///{checkout.folder}/deskhand.db"
    known = {name: value for name, value in os.environ.items() if name not in TYPED}
    with forked_processes.start_at_terminal(["bot.cli", "init"], known | places) as process:
        yield Terminal(process)


TYPED = {"SLACK_BOT_TOKEN": "xoxb-local", "SLACK_APP_TOKEN": "xapp-local", "ANTHROPIC_API_KEY": "model-secret"}


def test_somebody_at_a_terminal_is_asked_again_after_a_wrong_answer(checkout: Checkout) -> None:
    """Enter keeps what the card says, no secret is shown, and nothing is written before the last question."""
    with at_terminal(checkout) as terminal:
        terminal.answer("Bot token", "xoxb-wrong")
        terminal.answer("SLACK_BOT_TOKEN: Slack says invalid_auth", "xoxb-local")
        terminal.answer("How Slack reaches", "pigeon")
        terminal.answer("--hear: expected socket or http, found pigeon")
        terminal.answer("App-level token", "xapp-local")
        terminal.answer("Help channels, in which people ask, by name [help-access]", "nowhere")
        terminal.answer("has no channel nowhere", "#help-access")
        for question in ("Queue channel", "Owners, by e-mail address [Olivia"):
            terminal.answer(question)
        terminal.answer("Responders", "ben.castillo@northwind.example")
        for question in ("Those of them", "Mentioned", "Time zone", "US dollars", "Database", "Redis"):
            terminal.answer(question)
        terminal.answer("Key for stand-in", "model-secret")
        terminal.wait_for("Write ", end=": ")
        before = checkout.read(".env"), checkout.read("config/agents/access/card.yaml")
        assert before == ("# ours\n", (CONFIG / "agents/access/card.yaml").read_text("utf-8"))
        terminal.type("y")
        terminal.wait_for("Written.")
        assert terminal.process.wait() == 0
    assert not [secret for secret in SECRETS if secret in terminal.seen]
    assert env_file.read(checkout.folder / ".env").items() >= TYPED.items()
    assert card.load(checkout.folder / "config/agents/access").card.handoff.responders == ("U0BEN",)


@pytest.mark.parametrize("last", ["Bot token", "Help channels", "Write "])
def test_ctrl_c_at_a_question_leaves_everything_as_it_was(checkout: Checkout, last: str) -> None:
    """At a hidden question, at one that is shown, and at the last one."""
    questions = {"Bot token": "xoxb-local", "How Slack": "", "App-level": "xapp-local", "Help channels": ""}
    questions |= dict.fromkeys(
        ("Queue", "Owners", "Responders", "Those", "Mentioned", "Time", "US", "Data", "Redis"), ""
    )
    questions |= {"Key for": "model-secret", "Write ": ""}
    with at_terminal(checkout) as terminal:
        before = checkout.state()
        for question, answer in questions.items():
            if question == last:
                break
            terminal.answer(question, answer)
        terminal.wait_for(last, end=": ")
        terminal.interrupt("Ended. Nothing was changed.")
        assert terminal.process.wait() == 130
    assert checkout.state() == before


def test_a_script_sets_everything_up_and_the_second_time_nothing_is_to_be_done(checkout: Checkout) -> None:
    """Card, budgets and `.env` say what was answered; all else of them stays as it was, comments too."""
    code, said, _ = checkout.init("--yes", daily_cap="7.50", on_call="", time_zone="Europe/Madrid")
    assert code == 0, said
    agent = card.load(checkout.folder / "config/agents/access").card
    assert (agent.owners, agent.channels) == (("U0OLIVIA",), ("C0HELP",))
    assert (agent.handoff.queue_channel, agent.handoff.time_zone) == ("C0QUEUE", "Europe/Madrid")
    assert agent.handoff.responders == agent.handoff.approvers == ("U0PRIYA",)
    cap = Budgets.load(checkout.folder / "config/budgets.yaml").channel.default
    assert cap is not None
    assert cap.hard == 7_500_000_000
    env = env_file.read(checkout.folder / ".env")
    assert env.pop("DESKHAND_DELEGATION_KEYS").startswith("dhdk_")
    assert env.pop("DESKHAND_APPROVER_KEY").startswith("dhak_")
    assert "`deskhand approvers enrol USER` for U0PRIYA.\n" in said  # one alone approves with a code
    assert env["SLACK_BOT_TOKEN"] == "xoxb-local"
    assert env["DATABASE_URL"] == "sqlite:///.deskhand/deskhand.db"
    assert env["ANTHROPIC_BASE_URL"] == os.environ["ANTHROPIC_BASE_URL"]
    assert stat.S_IMODE((checkout.folder / ".env").stat().st_mode) == 0o600
    for name in ("config/agents/access/card.yaml", "config/budgets.yaml", ".env"):
        old = (ROOT / name if name != ".env" else ROOT / ".env.example").read_text("utf-8").splitlines()
        gone = [line for line in difflib.ndiff(old, checkout.read(name).splitlines()) if line.startswith("- ")]
        assert len(gone) <= 6, gone
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANTHROPIC_API_KEY", "REDIS_URL"):
        del os.environ[name]  # from now on they are in the file
    written = checkout.state()
    code, said, _ = checkout.init(help_channel="", queue_channel="", owner="", responder="")
    assert (code, said) == (0, "Everything is set up as you say; nothing is to be done.\n")
    assert json.loads(checkout.init("--json")[1]) == {"changed": [], "written": False, "warnings": []}
    assert checkout.state() == written


def test_who_is_named_twice_counts_once(checkout: Checkout) -> None:
    """By id and by e-mail address: the card lists each person once."""
    assert checkout.init("--yes", owner="U0OLIVIA, olivia.hart@northwind.example")[0] == 0
    assert card.load(checkout.folder / "config/agents/access").card.owners == ("U0OLIVIA",)


def test_nothing_is_changed_before_somebody_has_seen_the_difference(checkout: Checkout) -> None:
    """A script has to say --yes; --dry-run shows the lines, and of secrets the names alone."""
    before = checkout.state()
    code, said, told = checkout.init()
    assert (code, "\n+  responders: [U0PRIYA]\n" in said) == (2, True)
    assert "would change; --yes writes them, and --dry-run shows the differences" in told
    code, said, _ = checkout.init("--dry-run")
    assert (code, said.endswith("Nothing was written (--dry-run).\n")) == (0, True)
    assert "new file .env (values are not shown): " in said
    code, said, _ = checkout.init("--json", "--dry-run")
    found = json.loads(said)
    assert (code, found["written"], found["changed"][-1]) == (0, False, {"file": ".env", "new": True})
    assert checkout.state() == before


def test_a_channel_that_others_read_is_refused(checkout: Checkout, workspace: LocalWorkspace) -> None:
    """The bot does not work where another organisation reads along."""
    assert workspace.send("/sandbox/channel", {"channel": "C0HELP", "shared": True})["ok"]
    code, _, told = checkout.init("--yes")
    assert (code, "--help-channel: #help-access is shared with another organisation" in told) == (2, True)


def test_a_token_without_a_scope_is_refused(checkout: Checkout, workspace: LocalWorkspace) -> None:
    """What is to be done about it is said with the question that needed the scope."""
    workspace.faults({"kind": "fail", "method": "conversations.list", "error": "missing_scope"})
    code, _, told = checkout.init("--yes")
    assert (code, "--help-channel: Slack says missing_scope: the token lacks a scope" in told) == (2, True)


@pytest.mark.parametrize("method", ["conversations.list", "users.info", "users.lookupByEmail"])
def test_slack_that_does_not_answer_is_said_and_no_answer_is_missed(
    checkout: Checkout, workspace: LocalWorkspace, method: str
) -> None:
    """Who is in the card is not asked for again because Slack could not be asked about them."""
    workspace.faults({"kind": "rate_limit", "method": method, "seconds": 30})
    before = checkout.state()
    code, said, told = checkout.init("--yes", approver="")
    assert (code, said) == (2, "")
    assert "Slack does not answer this now: ratelimited" in told
    assert "is missing" not in told
    assert checkout.state() == before


def test_a_second_look_at_the_app_token_within_a_minute_is_no_refusal(
    checkout: Checkout, workspace: LocalWorkspace
) -> None:
    """Slack opens about one socket a minute, and says so only to those whose token it knows."""
    workspace.faults({"kind": "rate_limit", "method": "apps.connections.open", "seconds": 30})
    assert checkout.init("--dry-run")[0] == 0


def test_what_exists_stays_and_what_hides_the_file_is_said(checkout: Checkout) -> None:
    """Other variables and comments of an existing `.env` stay; a public queue channel is warned of."""
    (checkout.folder / ".env").write_text(
        "# ours\nPORT=4000\nSLACK_APP_TOKEN=xapp-local\nDESKHAND_DELEGATION_KEYS=kept\n"
    )
    (checkout.folder / ".env").chmod(0o644)
    code, said, told = checkout.init(
        "--yes", help_channel="access-queue", queue_channel="help-access", responder="U0PRIYA,U0BEN"
    )
    assert (code, "changed .env (values are not shown): SLACK_BOT_TOKEN" in said) == (0, True), told
    assert "Warning: #help-access is public" in told
    assert "approvers enrol" not in said  # two approve without one
    assert checkout.read(".env").startswith("# ours\nPORT=4000\nSLACK_APP_TOKEN=xapp-local\nDESKHAND_DELEGATION_KEYS=k")
    assert stat.S_IMODE((checkout.folder / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("variables", "options", "said"),
    [
        ({"SLACK_BOT_TOKEN": "xoxp-local"}, {}, "SLACK_BOT_TOKEN: expected the bot token, which begins with xoxb-"),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, {}, "SLACK_BOT_TOKEN: Slack says invalid_auth: copy the token anew"),
        (
            {"SLACK_BOT_TOKEN": ""},
            {},
            "SLACK_BOT_TOKEN is missing: Bot token (xoxb-...). Give it in the environment or .env, or answer",
        ),
        (
            {"SLACK_APP_TOKEN": "xoxb-local"},
            {},
            "SLACK_APP_TOKEN: expected an app-level token, which begins with xapp-",
        ),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, {}, "SLACK_APP_TOKEN: Slack says invalid_auth: copy the token anew"),
        ({"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": ""}, {"hear": "http"}, "SLACK_SIGNING_SECRET is missing"),
        (
            {"SLACK_API_URL": "http://127.0.0.1:1/api/"},
            {},
            "SLACK_BOT_TOKEN: Slack does not answer this now: no connection",
        ),
        ({}, {"help_channel": "nowhere"}, "--help-channel: Northwind has no channel nowhere that the bot can see"),
        ({}, {"help_channel": "C0NOWHERE"}, "--help-channel: Northwind has no channel C0NOWHERE"),
        ({}, {"help_channel": "random"}, "--help-channel: the bot is not in #random; write there: /invite @deskhand"),
        ({}, {"queue_channel": "help-access"}, "--queue-channel: #help-access is a help channel; responders need"),
        ({}, {"owner": "nobody@northwind.example"}, "--owner: Northwind has nobody with nobody@northwind.example"),
        ({}, {"owner": ","}, "--owner: expected one at least, with commas between several; found none"),
        ({}, {"help_channel": " "}, "--help-channel: expected one at least, with commas between several; found none"),
        ({}, {"responder": "U0NOOR"}, "is no active, full member of Northwind"),
        ({}, {"approver": "U0OLIVIA"}, "--approver: expected some of the responders, found Olivia"),
        ({}, {"time_zone": "Mars/Olympus"}, "--time-zone: there is no time zone Mars/Olympus"),
        ({}, {"daily_cap": "lots"}, "--daily-cap: expected US dollars such as 5.00, found lots"),
        (
            {"DATABASE_URL": "mysql://u:secret@h/d"},
            {},
            "DATABASE_URL: names mysql; SQLite and PostgreSQL are supported",
        ),
        (
            {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/d"},
            {},
            "DATABASE_URL: OperationalError: connection refused. Start it, or correct DATABASE_URL.",
        ),
        (
            {"DATABASE_URL": "sqlite:////dev/null/deskhand.db"},
            {},
            "DATABASE_URL: /dev/null/deskhand.db: cannot be made",
        ),
        ({"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}, {}, "Start it, or correct REDIS_URL."),
        ({"REDIS_URL": "http://:secret@127.0.0.1/0"}, {}, "REDIS_URL: cannot be read; write redis://"),
        (
            {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"},
            {},
            "ANTHROPIC_API_KEY: the model could not be reached: no connection",
        ),
    ],
)
def test_a_wrong_answer_names_its_source_and_the_fix(
    checkout: Checkout, variables: dict[str, str], options: dict[str, str], said: str
) -> None:
    """One line, exit 2, no secret, and nothing is written."""
    os.environ |= variables
    before = checkout.state()
    code, _, told = checkout.init("--yes", **options)
    last = told.splitlines()[-1]
    assert (code, last.startswith("deskhand: ")) == (2, True), told
    assert said in last
    assert "secret" not in last.replace("SLACK_SIGNING_SECRET", "").replace("Signing secret", "")
    assert checkout.state() == before

"""The `deskhand` command: what operators type, and what they read when it goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import redis
from sqlalchemy import text

from bot import cli, env_file
from bot.directory.local import LocalDirectory
from bot.errors import ConfigError, Transient
from bot.ground import MARK, Ground, Kind
from bot.principals import AccountStatus
from bot.sandbox.demo import folder
from bot.settings import Settings
from bot.store import db
from bot.store.installation import marks
from bot.store.schema import Handoff, HandoffMove, LedgerRow, Ticket, base, now
from jobs import eval_desk, process
from tests.support import forked_processes
from tests.support.command_line import deskhand
from tests.support.factories import Clock
from tests.support.ledger_factory import NOON, LedgerFactory
from tests.support.paths import CONFIG, DEMO_PEOPLE, ROOT
from tests.support.redis_users import EVERYTHING, redis_user


@pytest.fixture
def database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point the command at a database that does not exist yet."""
    url = f"sqlite:///{tmp_path / 'new' / 'deskhand.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def migrated_file(database_file: str, _sqlite: Path) -> str:
    """Point the command at a database as `deskhand migrate` leaves it."""
    file = Path(database_file.removeprefix("sqlite:///"))
    file.parent.mkdir()
    shutil.copy(_sqlite, file)
    with closing(db.connect(database_file)) as database:
        marks.enter(database, Kind.INSTALLATION)
    return database_file


def test_a_command_is_found_without_what_others_need() -> None:
    """A worker is another process in the end: what becomes it has loaded no library of ours; garbage can wait."""
    heavy = {"anthropic", "pydantic_settings", "redis", "slack_bolt", "slack_sdk", "sqlalchemy", "starlette"}
    code = f"import gc, sys, bot.cli; print({heavy} & sys.modules.keys(), gc.get_threshold()[0])"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "set() 10000\n"


def test_the_help_of_a_group_has_whole_sentences() -> None:
    """No group of commands cuts the first sentence of a command at the end of its line."""

    def texts(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(command, click.Group):
            yield path, command.get_help(click.Context(command, info_name=path, max_content_width=100))
            for name, one in command.commands.items():
                yield from texts(one, f"{path} {name}")

    said = dict(texts(cli.cli, "deskhand"))
    assert len(said) > 10
    assert [path for path, text in said.items() if "..." in text.partition("\n")[2]] == []


@pytest.mark.parametrize(
    "words",
    [
        ("agents", "list"),
        ("approvers", "list"),
        ("audit", "export"),
        ("directory", "set", "a-maya", "active"),
        ("eval", "status"),
        ("ground",),
        ("person", "erase", "U0MAYA", "--yes"),
        ("release", "list"),
        ("web",),
    ],
)
def test_only_migrate_makes_a_database(
    database_file: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped address leaves no file, which would count as an installation and hide a demo that runs here."""
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "s" * 32)
    assert deskhand(*words) == 2
    assert "database: there is no file at DATABASE_URL: run `deskhand migrate`" in capsys.readouterr().err
    assert not Path(database_file.removeprefix("sqlite:///")).parent.exists()


def test_a_command_that_looks_loads_nothing_that_a_demo_starts(tmp_path: Path) -> None:
    """It finds out whether a demo runs here without the second of CPU that what a demo starts takes to load."""
    heavy = {"aiohttp", "alembic", "bot.sandbox.demo.launch", "bot.sandbox.standin"}
    code = f"import sys; from bot.cli import root; root.settings_to_look_at(); print({heavy} & sys.modules.keys())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True) == "set()\n"


@pytest.mark.usefixtures("quiet_logs")
def test_migrate_makes_the_database_and_may_be_run_again(database_file: str) -> None:
    """A new file gets the whole schema; a second run changes nothing."""
    assert deskhand("migrate") == 0
    assert deskhand("migrate") == 0
    database = db.connect(database_file)
    assert db.pending(database) is None
    database.close()


@pytest.mark.usefixtures("quiet_logs")
def test_directory_load_and_set_change_the_local_directory(
    database_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seed's accounts are there, and one of them can be changed from outside."""
    deskhand("migrate")
    assert deskhand("directory", "load", str(DEMO_PEOPLE)) == 0
    assert "12 accounts loaded." in capsys.readouterr().out
    database = db.connect(database_file)
    [maya] = LocalDirectory(database).find_by_email("Maya.Okafor@northwind.example")
    assert maya.status is AccountStatus.LOCKED
    assert deskhand("directory", "set", maya.id, "active") == 0
    [maya] = LocalDirectory(database).find_by_email("maya.okafor@northwind.example")
    assert maya.status is AccountStatus.ACTIVE
    database.close()


@pytest.mark.usefixtures("quiet_logs", "migrated_file")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("directory", "load", "nowhere.yaml"), "nowhere.yaml: No such file"),
        (("directory", "set", "a-nobody", "active"), "no account a-nobody"),
        (("eval", "promote", "--by", "U0OLIVIA", "--agent", "nobody"), "no agent is called nobody; known: access"),
        (("handoffs", "--agent", "nobody"), "no agent is called nobody; known: access"),
        (("handoffs", "--days", "0"), "Invalid value for '--days': 0 is not in the range"),
        (("handoffs", "--days", "soon"), "Invalid value for '--days': 'soon' is not a valid integer"),
        (("digest", "--period", "soon"), "expected a week such as 2026-W47 or a month such as 2026-11, found 'soon'"),
        (("digest", "--period", "2999-W01", "--send"), "2999-W01 is not over"),
        (("digest", "--send"), "there is nothing to send"),
        (("cost", "--agent", "nobody"), "no agent is called nobody; known: access"),
        (("cost", "--window", "year"), "Invalid value for '--window': 'year' is not one of"),
        (("cost", "--at", "2999-01-01"), "Invalid value for --at: 2999-01-01 has not come yet"),
        (("cost", "--at", "0001-01-01"), "Invalid value for --at: expected a day since 2000-01-01, found 0001-01-01"),
        (("audit", "export", "--since", "0001-01-01T00:00+14:00"), "--since: expected a position or a time such as"),
        (("audit", "export", "--until", "9999-12-31T23:59-14:00"), "--until: expected a position or a time such as"),
        (("audit", "seal", "--until", "9223372036854775808"), "9223372036854775808 is not in the range"),
        (("eval", "show", "9223372036854775808"), "9223372036854775808 is not in the range"),
        (("eval", "export", "9223372036854775808"), "9223372036854775808 is not in the range"),
        (("eval", "proposals", "show", "9223372036854775808"), "9223372036854775808 is not in the range"),
        (("eval", "show", "9223372036854775807"), "no run 9223372036854775807; `deskhand eval runs` lists them"),
        (("cost", "--at", "soon"), "Invalid value for '--at': 'soon' does not match the format"),
        (("release", "show", "access@\udcff"), "argument 3 is not text in UTF-8"),
        (("socket",), "SLACK_APP_TOKEN is not set"),
        (("web",), "SLACK_SIGNING_SECRET is not set"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_2(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads a traceback."""
    monkeypatch.chdir(ROOT)
    for name in ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert deskhand(*words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [("migrate",), ("ticket", "1"), ("agents", "list")])
def test_an_older_version_refuses_the_database_of_a_newer_one(
    migrated_file: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever goes back to an older version is not told to migrate, which leads nowhere."""
    with closing(db.connect(migrated_file)) as database, database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert deskhand(*words) == 2
    err = capsys.readouterr().err
    assert err.startswith("deskhand: database: its schema is at 9999, this code needs ")
    assert err.endswith(": run the version of Deskhand that has migrated it, or put an earlier backup back\n")


@pytest.mark.parametrize("words", [("migrate",), ("ticket", "1"), ("eval", "status"), ("audit", "verify")])
def test_a_file_that_is_no_database_is_one_sentence(
    database_file: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """What lies at DATABASE_URL may be another file, or one that a disk has damaged; it stays as it is."""
    file = Path(database_file.removeprefix("sqlite:///"))
    file.parent.mkdir()
    file.write_bytes(b"not a database" * 1000)
    assert deskhand(*words) == 2
    assert capsys.readouterr().err == (
        "deskhand: database: the file at DATABASE_URL is damaged, or no SQLite database: correct the address, or put a "
        "backup back\n"
    )
    assert file.read_bytes() == b"not a database" * 1000


@pytest.fixture
def beside_a_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _sqlite: Path, quiet_logs: None) -> Iterator[Path]:
    """Stand where a demo runs and nothing else is set up; returns its folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "SLACK_BOT_TOKEN", "DESKHAND_GROUND", "DESKHAND_CONFIG"):
        monkeypatch.setenv(name, "")  # so that what a command puts there is taken back
    monkeypatch.delenv(env_file.VARIABLE)
    url = f"sqlite:///{tmp_path / folder.STATE / 'deskhand.db'}"
    told = {"DATABASE_URL": url, "DESKHAND_CONFIG": str(CONFIG), "DESKHAND_GROUND": "demo"}
    with folder.locked(folder.STATE, fresh=False), folder.published(folder.STATE, told):
        shutil.copy(_sqlite, tmp_path / folder.STATE / "deskhand.db")
        yield tmp_path / folder.STATE


LOOKS = [("status",), ("doctor",), ("handoffs",), ("cost",), ("digest",), ("ticket", "1"), ("eval", "runs")]
"Commands that only look."


@pytest.mark.parametrize("words", LOOKS)
def test_beside_a_demo_commands_look_at_it(
    words: tuple[str, ...], beside_a_demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They say so, and make no database of an installation."""
    deskhand(*words)
    said = capsys.readouterr()
    assert "A demo runs in .deskhand/demo/, and no installation is set up: this looks at the demo." in said.err
    assert "run `deskhand migrate`" not in said.out + said.err
    assert [child.name for child in beside_a_demo.parent.iterdir()] == ["demo"]


@pytest.mark.usefixtures("beside_a_demo")
def test_where_nothing_in_the_folder_counts_no_demo_is_looked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the tests of a checkout pass while its demo runs, and a container looks at nothing but its environment."""
    monkeypatch.setenv(env_file.VARIABLE, "")
    deskhand("status")
    said = "".join(capsys.readouterr())
    assert "demo" not in said
    assert "run `deskhand migrate`" in said


@pytest.mark.parametrize("words", LOOKS)
def test_beside_a_demo_an_installation_is_what_commands_look_at(
    words: tuple[str, ...], beside_a_demo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has set one up is told that there is a demo, too; a database that is not there is not made."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{beside_a_demo.parent / 'mine.db'}")
    monkeypatch.setenv("DESKHAND_CONFIG", str(CONFIG))
    assert deskhand(*words) > 0
    said = capsys.readouterr()
    of_mine = "This looks at your installation, as DATABASE_URL is set, and not at the demo."
    assert f"A demo runs in .deskhand/demo/. {of_mine}" in said.err
    assert "deskhand migrate" in said.out + said.err
    assert [child.name for child in beside_a_demo.parent.iterdir()] == ["demo"]


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        (("REDIS_URL",), "REDIS_URL is set"),
        (("SLACK_BOT_TOKEN", "REDIS_URL"), "REDIS_URL and SLACK_BOT_TOKEN are set"),
        ((), ".deskhand/deskhand.db is there"),
    ],
)
def test_a_command_says_by_what_it_knows_of_an_installation(
    variables: tuple[str, ...],
    why: str,
    beside_a_demo: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A variable that is left over from something else would otherwise hide the demo for no visible reason."""
    for name in variables:
        monkeypatch.setenv(name, "redis://127.0.0.1:1/0")
    if not variables:
        beside_a_demo.with_name("deskhand.db").write_bytes(b"something")
    deskhand("handoffs")
    assert f"This looks at your installation, as {why}, and not at the demo." in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("eval",), ("prices",), ("directory",)])
def test_the_list_of_commands_is_whole(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its sentence to the end, on a narrow terminal, too."""
    assert deskhand(*words, "--help") == 0
    commands = capsys.readouterr().out.partition("Commands:")[2]
    assert commands.rstrip().endswith(".")
    assert "..." not in commands


def hand_off(url: str, agent: str, *, days_ago: int) -> None:
    """Hand a ticket of an agent to a person some days ago, who claims it after a minute and a half."""
    at = now() - timedelta(days=days_ago)
    place: dict[str, Any] = {"team": "T1", "channel": "C0HELP", "thread_ts": f"{agent} {days_ago}", "private": False}
    times = {"waiting_since": at, "opened_at": at}
    with closing(db.connect(url)) as database, database.write() as session:
        ticket = Ticket(requester="U0MAYA", agent=agent, **place)
        session.add(ticket)
        session.flush()
        handoff = Handoff(ticket_id=ticket.id, reason="budget", summary="", queue_channel="C0QUEUE", **times)
        session.add(handoff)
        session.flush()
        claimed = at + timedelta(seconds=90)
        session.add(HandoffMove(handoff_id=handoff.id, move="claimed", actor="U0PRIYA", at=claimed))


@pytest.mark.usefixtures("quiet_logs")
def test_handoffs_are_measured_for_programs(
    migrated_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One JSON object of the last thirty days, or as many as asked for, of all agents or of one."""
    monkeypatch.chdir(ROOT)
    for agent, days_ago in (("access", 0), ("access", 6), ("vpn", 6), ("access", 29), ("access", 30)):
        hand_off(migrated_file, agent, days_ago=days_ago)
    capsys.readouterr()
    for words, counted in (((), 4), (("--days", "7"), 3), (("--days", "1"), 1), (("--agent", "access"), 3)):
        assert deskhand("handoffs", "--json", *words) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["totals"]["handoffs"] == said["totals"]["budget"] == counted
        assert said["totals"]["to_claim"] == {"count": counted, "median_seconds": 90, "p90_seconds": 90}
        assert said["totals"]["to_resolve"] == {"count": 0, "median_seconds": None, "p90_seconds": None}
        assert [(one["reason"], one["handoffs"]) for one in said["by_reason"]] == [("budget", counted)]
        assert sum(one["handoffs"] for one in said["by_day"]) == counted
        assert sum(one["handoffs"] for one in said["by_day_and_reason"]) == counted
    assert said["agent"] == "access"


@pytest.mark.usefixtures("quiet_logs")
def test_handoffs_are_measured_for_operators(migrated_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """First that there were none, then a table by reason and one by day."""
    capsys.readouterr()
    assert deskhand("handoffs") == 0
    assert capsys.readouterr().out.startswith("No handoffs from ")
    hand_off(migrated_file, "access", days_ago=0)
    assert deskhand("handoffs") == 0
    table = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for name in ("budget", "all", f"{now():%Y-%m-%d}"):
        assert f"{name} 1 100.0 % 1m / 1m - - - - - -" in table


def spend(url: str, cost: int, *, days_ago: int = 0, channel: str = "C0HELP", user: str = "U0MAYA") -> None:
    """Let a model call have cost something, some days ago."""
    at = (now() - timedelta(days=days_ago)).replace(hour=0, minute=1)
    row: dict[str, Any] = {"team": "T1", "agent": "access", "release": "access@1", "step": 0, "model": "m"}
    kept = {"price_version": "1", "accounts": [], "lease_until": at, "state": "settled"}
    rid = f"{days_ago} {channel} {user}"
    with closing(db.connect(url)) as database, database.write() as session:
        whose = {"channel": channel, "user": user}
        session.add(LedgerRow(rid=rid, at=at, reserved_nusd=cost, cost_nusd=cost, **whose, **row, **kept))


@pytest.mark.usefixtures("quiet_logs")
def test_the_cost_is_told_to_operators_and_programs(
    migrated_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of everybody today, or of one channel, person or agent, in whichever window holds a day."""
    monkeypatch.chdir(ROOT)
    spend(migrated_file, 1_000_000_000)
    spend(migrated_file, 500_000_000, channel="C0OPS", user="U0IVAN")
    spend(migrated_file, 70_000_000, days_ago=40)
    capsys.readouterr()
    past = f"{now() - timedelta(days=40):%Y-%m-%d}"
    for words, spent in (
        ((), 1_500_000_000),
        (("--by", "channel"), 1_500_000_000),
        (("--channel", "C0OPS"), 500_000_000),
        (("--user", "U0MAYA", "--window", "week"), 1_000_000_000),
        (("--agent", "access"), 1_500_000_000),
        (("--at", past), 70_000_000),
    ):
        assert deskhand("cost", "--json", *words) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["spent_nusd"] == sum(row["spent_nusd"] for row in told["rows"]) == spent
    assert told["over"] is True
    assert deskhand("cost") == 0
    said = capsys.readouterr().out
    assert said.startswith("Spent today everywhere: $1.50.\n")
    assert "C0HELP                       today             $1.00        $5.00      20 % ████" in said
    assert deskhand("cost", "--at", past) == 0
    assert capsys.readouterr().out.startswith(f"Spent on {past} everywhere: $0.07")


@pytest.mark.usefixtures("quiet_logs")
def test_the_doctor_looks_at_everything_and_fails_when_something_is_to_mend(
    migrated_file: str, redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for programs; each check that is well stays so whatever else is not."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("REDIS_URL", redis_url)
    capsys.readouterr()
    assert deskhand("doctor", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    states = {one["check"]: one["state"] for one in told["checks"]}
    assert told["healthy"] is False
    assert (states["database"], states["redis"], states["worker"], states["slack"]) == ("ok", "ok", "fail", "fail")
    assert deskhand("doctor") == 1
    said = capsys.readouterr().out
    assert "Run `deskhand eval run --agent access`." in said
    assert said.splitlines()[-1].endswith(" to look at.")


@pytest.mark.usefixtures("quiet_logs", "database_file")
def test_the_doctor_says_which_variable_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that cannot be read are a finding like any other."""
    monkeypatch.setenv("PORT", "eighty")
    assert deskhand("doctor", "--json") == 1
    [one] = json.loads(capsys.readouterr().out)["checks"]
    assert (one["check"], one["state"]) == ("settings", "fail")
    assert "PORT" in one["message"]


@pytest.mark.usefixtures("quiet_logs", "migrated_file")
def test_the_status_is_shown_and_fails_when_a_part_is_away(
    redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for programs; without Redis what the database knows is shown."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    capsys.readouterr()
    assert deskhand("status") == 0
    assert "Turns     0 waiting; 0 running" in capsys.readouterr().out
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    assert deskhand("status", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["queue"], told["turns"]["waiting"]["count"]) == (None, 0)
    assert told["away"][0].startswith("redis: ")


@pytest.mark.usefixtures("quiet_logs", "database_file")
def test_a_wrong_port_names_the_variable(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is checked before anything is touched."""
    monkeypatch.setenv("PORT", "eighty")
    assert deskhand("migrate") == 2
    assert "environment: PORT:" in capsys.readouterr().err


def _environment(url: str, redis_url: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "SLACK_BOT_TOKEN": "xoxb-test",
        "ANTHROPIC_API_KEY": "test",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "DESKHAND_MODEL": "stand-in-1",
        **more,
    }


def _ended_worker(log: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Return the exit code of a worker that does not start, and what it says."""
    with log.open("wb") as output:
        code = forked_processes.start(["bot.cli", "worker"], environment, output=output).wait(300)
    return code, log.read_text()


@pytest.mark.parametrize("process", ["worker", "clock"])
def test_a_process_says_it_is_ready_and_ends_on_sigterm(process: str, sqlite_url: str, redis_url: str) -> None:
    """The process of `deskhand worker` and `deskhand clock` is RQ's and ours, and stops when told to."""
    started = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", process],
        cwd=ROOT,
        env=_environment(sqlite_url, redis_url),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    while not (line := started.stderr.readline()).startswith("{") or json.loads(line)["event"] != f"{process}.started":
        assert line, "it ended"  # Slack is not there: the client's own complaints come before
    time.sleep(0.2)  # into its loop
    started.send_signal(signal.SIGTERM)
    _, rest = started.communicate(timeout=120)
    assert started.returncode == 0, rest
    assert "Traceback" not in rest


def test_a_worker_without_its_agents_key_refuses_to_start(sqlite_url: str, redis_url: str, tmp_path: Path) -> None:
    """The variable that the card names is in the message."""
    environment = _environment(sqlite_url, redis_url)
    del environment["ANTHROPIC_API_KEY"]
    code, said = _ended_worker(tmp_path / "worker.log", environment)
    assert code == 2
    assert "ANTHROPIC_API_KEY is not set" in said
    assert "Traceback" not in said


def test_a_worker_without_a_delegation_key_refuses_to_start(sqlite_url: str, redis_url: str, tmp_path: Path) -> None:
    """No key is made in its place; the message says what to run."""
    environment = _environment(sqlite_url, redis_url)
    del environment["DESKHAND_DELEGATION_KEYS"]
    code, said = _ended_worker(tmp_path / "worker.log", environment)
    assert code == 2
    assert "DESKHAND_DELEGATION_KEYS is not set" in said
    assert "run `deskhand keys generate`" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("quiet_logs")
def test_a_digest_is_shown_and_sent_once(
    migrated_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for programs; sent to the owners of the cards, a second time to nobody."""
    monkeypatch.chdir(ROOT)
    with closing(db.connect(migrated_file)) as database:
        books = LedgerFactory(database)
        books.ask(0, tickets=2)  # in the 47th week of 2026
        books.write()
    capsys.readouterr()
    assert deskhand("digest", "--period", "2026-W47", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["period"], told["now"]["tickets"], told["before"]) == ("2026-W47", 2, None)
    assert "sent" not in told
    monkeypatch.setattr(base, "datetime", Clock(NOON + timedelta(days=1)))
    assert deskhand("digest") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Solved without a person: 0 of 2 in the week from 16 to 22 November 2026 (0 %; ")
    assert "\nSpent in the week from 16 to 22 November 2026: $0.0115" in shown
    assert deskhand("digest", "--send", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sent"] == ["U0OLIVIA"]
    assert deskhand("digest", "--send") == 0
    assert "Nothing was sent: every owner has got it before." in capsys.readouterr().out


@pytest.fixture
def installation(sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment be one in which every command could start."""
    monkeypatch.chdir(ROOT)
    for name, value in _environment(sqlite_url, redis_url, SLACK_SIGNING_SECRET="s", SLACK_APP_TOKEN="xapp-a").items():
        monkeypatch.setenv(name, value)


def _belongs(database_url: str, kind: Kind) -> Ground:
    with closing(db.connect(database_url)) as database:
        return marks.put(database, Ground(kind, "0ther"))


@pytest.mark.usefixtures("quiet_logs", "installation")
@pytest.mark.parametrize(
    "words",
    [
        ("migrate",),
        ("directory", "load", str(DEMO_PEOPLE)),
        ("directory", "set", "a-maya", "active"),
        ("digest", "--send"),
        ("ground",),
        ("ground", "--new"),
        ("web",),
        ("socket",),
    ],
)
def test_no_command_that_writes_works_on_another_ground(
    words: tuple[str, ...], sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A demo's database is refused with one sentence, and stays as it is."""
    _belongs(sqlite_url, Kind.DEMO)
    before = Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()
    assert deskhand(*words) == 2
    assert "belongs to a demo (0ther). Name another database" in capsys.readouterr().err
    assert Path(sqlite_url.removeprefix("sqlite:///")).read_bytes() == before


@pytest.mark.usefixtures("quiet_logs", "installation")
@pytest.mark.parametrize("words", [("web",), ("socket",)])
def test_no_process_works_on_another_redis(
    words: tuple[str, ...], redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says whose it is."""
    with redis.Redis.from_url(redis_url) as raw:
        raw.set(MARK, "installation 0ther")
    assert deskhand(*words) == 2
    assert "belongs to installation 0ther, and this is installation " in capsys.readouterr().err


@pytest.mark.usefixtures("quiet_logs", "installation")
@pytest.mark.parametrize("words", [("web",), ("socket",)])
def test_no_process_works_without_a_right_in_redis(
    words: tuple[str, ...], redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence names it."""
    with redis_user(redis_url, f"{EVERYTHING} -@dangerous") as url:
        monkeypatch.setenv("REDIS_URL", url)
        assert deskhand(*words) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "redis: the user of REDIS_URL may not use INFO; " in line


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("what", ["database", "redis"])
@pytest.mark.parametrize("of", ["worker", "evaluation"])
def test_a_workers_house_is_not_opened_on_another_ground(
    of: str, what: str, sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `deskhand worker`, `clock` and `eval run` begin with refuses, and waits for nothing."""
    monkeypatch.setattr(process, "current", process.current.__wrapped__)
    if what == "database":
        _belongs(sqlite_url, Kind.DEMO)
    else:
        with redis.Redis.from_url(redis_url) as raw:
            raw.set(MARK, "demo 0ther")
    with pytest.raises(ConfigError, match=r"belongs to (a )?demo"):
        process.wait_for_current() if of == "worker" else eval_desk.open_desk(Settings.from_environment())


@pytest.mark.usefixtures("quiet_logs", "migrated_file")
def test_whose_ground_it_is_is_shown_and_a_copy_made_another(
    redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the mark of Redis beside it, or that Redis is away."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    capsys.readouterr()
    assert deskhand("ground") == 0
    first = capsys.readouterr().out
    assert "Slack workspace not known yet.\nRedis: has no mark yet." in first
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    assert deskhand("ground", "--new") == 0
    second = capsys.readouterr().out
    assert "Redis: redis: " in second
    assert first.split(",")[0] != second.split(",")[0]


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("redis: ConnectionError (Connection refused)", ". Start it, or correct REDIS_URL."),
        ("redis: OutOfMemoryError", ""),
        ("database: OperationalError: connection refused", ". Start it, or correct DATABASE_URL."),
        ("database: database or disk is full", ""),
        ("slack: ConnectionError", ""),
    ],
)
def test_only_what_is_not_there_is_to_be_started(said: str, advice: str) -> None:
    """A full disk or a full Redis has the right address."""
    assert cli.with_advice(Transient(said)) == f"{said}{advice}"

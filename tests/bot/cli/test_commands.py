"""The `deskhand` command: what operators type, and what they read when it goes wrong."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from bot import cli
from bot.errors import Transient
from tests.support.command_line import deskhand
from tests.support.paths import ROOT


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


@pytest.mark.parametrize("words", [(), ("eval",), ("prices",), ("directory",)])
def test_the_list_of_commands_is_whole(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its sentence to the end, on a narrow terminal, too."""
    assert deskhand(*words, "--help") == 0
    commands = capsys.readouterr().out.partition("Commands:")[2]
    assert commands.rstrip().endswith(".")
    assert "..." not in commands


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


@pytest.mark.usefixtures("quiet_logs", "database_file")
def test_a_wrong_port_names_the_variable(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is checked before anything is touched."""
    monkeypatch.setenv("PORT", "eighty")
    assert deskhand("migrate") == 2
    assert "environment: PORT:" in capsys.readouterr().err


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

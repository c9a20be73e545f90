"""`.env`, read below the environment and rewritten in place: `bot.env_file`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import env_file
from bot.errors import ConfigError
from tests.support.paths import ROOT

TEXT = """# Slack
SLACK_BOT_TOKEN=xoxb-of-the-file   # the bot's

export REDIS_URL='redis://:a#b c@redis/0'
SLACK_APP_TOKEN=
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with the file."""
    monkeypatch.chdir(tmp_path)
    written = tmp_path / ".env"
    written.write_text(TEXT)
    return written


def test_the_environment_takes_precedence_over_the_file(file: Path) -> None:
    """A variable that the environment has stays; one that it has not, or an empty one, comes from the file."""
    environment = {"SLACK_BOT_TOKEN": "xoxb-of-the-environment", "REDIS_URL": ""}
    env_file.load(environment)
    assert environment == {
        "SLACK_BOT_TOKEN": "xoxb-of-the-environment",
        "REDIS_URL": "redis://:a#b c@redis/0",
        "SLACK_APP_TOKEN": "",
    }


def test_another_file_or_none_is_named_by_a_variable(file: Path) -> None:
    """An empty name means none; a file that is named must be there, and `.env` need not."""
    nothing = {env_file.VARIABLE: ""}
    env_file.load(nothing)
    assert nothing == {env_file.VARIABLE: ""}
    other = {env_file.VARIABLE: str(file.rename(file.with_name("other.env")))}
    env_file.load(other)
    assert other["SLACK_BOT_TOKEN"] == "xoxb-of-the-file"
    bare: dict[str, str] = {}
    env_file.load(bare)
    assert bare == {}
    with pytest.raises(ConfigError, match=r"^gone\.env: cannot be read: No such file or directory$"):
        env_file.load({env_file.VARIABLE: "gone.env"})


@pytest.mark.parametrize(
    "line",
    [
        "SLACK_BOT_TOKEN xoxb-secret",
        'SLACK_BOT_TOKEN="xoxb-secret',
        "SLACK-BOT-TOKEN=xoxb-secret",
        "=xoxb-secret",
        "xoxb-secret",
        "SLACK_BOT_TOKEN=xoxb-secret\0",
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_not_shown(file: Path, line: str) -> None:
    """It is the sixth, counted with comments and empty lines; it may hold a secret."""
    file.write_text(f"{TEXT}{line}\nPORT=3000\n")
    with pytest.raises(ConfigError) as refused:
        env_file.load({})
    assert str(refused.value) == ".env: line 6: expected NAME=value, or # and a comment"


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    """Its bytes are not shown."""
    file.write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(ConfigError, match=r"^\.env: cannot be read: it is not text in UTF-8$"):
        env_file.load({})


@pytest.mark.parametrize("value", ["xoxb-1", "", "redis://:p%40ss@h:1/0?db=1", "with a # and $HOME", 'with a "'])
def test_what_is_written_is_read_again(file: Path, value: str) -> None:
    """A changed and a new variable; comments and the other variables stay as they are."""
    said = env_file.updated(file, TEXT.rstrip(), {"SLACK_APP_TOKEN": value, "DATABASE_URL": value})
    file.write_text(said)
    assert env_file.read(file) == {
        "SLACK_BOT_TOKEN": "xoxb-of-the-file",
        "REDIS_URL": "redis://:a#b c@redis/0",
        "SLACK_APP_TOKEN": value,
        "DATABASE_URL": value,
    }
    assert said.startswith(TEXT.partition("SLACK_APP_TOKEN")[0])


def test_a_variable_that_is_there_twice_is_another_one_in_both_lines(file: Path) -> None:
    """The last line counts: with another value in the first one alone, what was written would change nothing."""
    said = env_file.updated(file, "PORT=1\nHOST=h\nexport PORT=2\n", {"PORT": "3"})
    assert said == "PORT=3\nHOST=h\nPORT=3\n"


@pytest.mark.parametrize("value", ["it's", "back\\slash", "two\nlines"])
def test_what_no_reader_would_understand_alike_is_not_written(file: Path, value: str) -> None:
    """Its variable is named, and the value is not shown."""
    with pytest.raises(ConfigError, match=r"^SLACK_APP_TOKEN: its value has a quote, a backslash or a control ch"):
        env_file.updated(file, TEXT, {"SLACK_APP_TOKEN": value})


def _deskhand(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != env_file.VARIABLE}
    command = [sys.executable, "-m", "bot.cli", *words]
    environment |= {"PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_command_reads_the_file_of_its_folder(file: Path) -> None:
    """The clock, which is another program in the end, finds its variables; a wrong line ends it with one sentence."""
    (file.parent / "config").symlink_to(ROOT / "config")
    file.write_text("PORT=high\n")
    started = _deskhand(file.parent, "clock")
    assert (started.returncode, started.stdout) == (2, "")
    assert "PORT: expected a whole number" in started.stderr
    assert "Traceback" not in started.stderr
    file.write_text("PORT\n")
    refused = _deskhand(file.parent, "worker")
    assert (refused.returncode, refused.stdout, refused.stderr) == (
        2,
        "",
        "deskhand: .env: line 1: expected NAME=value, or # and a comment\n",
    )

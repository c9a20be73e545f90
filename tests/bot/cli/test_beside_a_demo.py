"""Commands in a folder in which a demo runs: what they look at, and that they say so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import env_file
from bot.sandbox.demo import folder
from tests.support.command_line import deskhand
from tests.support.paths import CONFIG, ROOT


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


def test_a_command_that_looks_loads_nothing_that_a_demo_starts(tmp_path: Path) -> None:
    """It finds out whether a demo runs here without the second of CPU that what a demo starts takes to load."""
    heavy = {"aiohttp", "alembic", "bot.sandbox.demo.launch", "bot.sandbox.standin"}
    code = f"import sys; from bot.cli import root; root.settings_to_look_at(); print({heavy} & sys.modules.keys())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True) == "set()\n"


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

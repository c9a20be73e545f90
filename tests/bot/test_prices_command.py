"""`deskhand prices`: what operators type, and what an upgrade takes to change a price."""

import io
import json
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from bot.budget.prices import genai_prices, snapshot
from bot.budget.prices.pricing import Prices
from bot.budget.prices.tariffs import Rate
from tests.support.command_line import deskhand
from tests.support.paths import CONFIG

SONNET = "claude-sonnet-5-5"

pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration whose prices are those of an older package, with half as dear an input of Sonnet 5.5."""
    folder = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    now = genai_prices.installed()
    older = replace(now.standard[SONNET][0], input=Rate(Fraction(1_000)))
    taken = replace(now, package="genai-prices 0.2.0", standard=now.standard | {SONNET: (older,)})
    snapshot.write(folder / snapshot.FILE, taken)
    monkeypatch.setenv("DESKHAND_CONFIG", str(folder))
    monkeypatch.delenv("DESKHAND_MODEL", raising=False)
    return folder


class Terminal(io.StringIO):
    """Somebody who types an answer."""

    def isatty(self) -> bool:
        """Tell that it is no pipe."""
        return True


def price_of_input(folder: Path) -> Fraction:
    """Return what a process that starts now would pay for a token."""
    return Prices.load(folder / "pricing.yaml").standard[SONNET][0].input.base


def test_an_upgrade_changes_no_price_without_a_yes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The difference is shown with who would feel it, the exit code says so, and the file is as it was."""
    before = (folder / snapshot.FILE).read_bytes()
    assert deskhand("prices", "diff") == 1
    shown = capsys.readouterr().out
    assert "the prices in force are those of genai-prices 0.2.0" in shown
    assert f"{SONNET}: input 1 -> 2 (+100 %) [called by access]" in shown
    assert (folder / snapshot.FILE).read_bytes() == before
    assert price_of_input(folder) == 1_000


def test_a_yes_takes_the_installed_rates(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next process pays the new price; after that there is no difference left."""
    assert deskhand("prices", "diff", "--yes") == 0
    assert "prices.json is written" in capsys.readouterr().out
    assert price_of_input(folder) == 2_000
    assert snapshot.read(folder / snapshot.FILE) == genai_prices.installed()
    assert deskhand("prices", "diff") == 0
    assert "changes no price" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "code", "paid"), [("y\n", 0, 2_000), ("n\n", 1, 1_000), ("\n", 1, 1_000)])
def test_somebody_at_a_terminal_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, paid: int
) -> None:
    """No answer is no."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert deskhand("prices", "diff") == code
    assert price_of_input(folder) == paid


def test_a_terminal_that_ends_changes_no_price(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-D is no yes; what was not done is said."""
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert deskhand("prices", "diff") == 1
    assert "The input ended without an answer. No price was changed." in capsys.readouterr().err
    assert price_of_input(folder) == 1_000


def test_json_says_what_was_taken_and_asks_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object on stdout, even at a terminal."""
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert deskhand("prices", "diff", "--json") == 1
    first = json.loads(capsys.readouterr().out)
    assert (first["in_force"], first["accepted"]) == ("genai-prices 0.2.0", False)
    [change] = first["changes"]
    assert (change["model"], change["what"], change["old"], change["new"]) == (SONNET, "input", "1", "2")
    assert (change["percent"], change["agents"]) == (100.0, ["access"])
    assert price_of_input(folder) == 1_000
    assert deskhand("prices", "diff", "--json", "--yes") == 0
    assert json.loads(capsys.readouterr().out)["accepted"]


def test_prices_are_shown_from_the_snapshot(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is in force is shown, not what is installed; an unknown model is refused with the nearest name."""
    assert deskhand("prices", "show", SONNET) == 0
    assert capsys.readouterr().out.splitlines()[3].split()[:2] == [SONNET, "1"]
    assert deskhand("prices", "show", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["models"][SONNET]["standard"][0]["input"] == "1"
    assert shown["version"] == Prices.load(folder / "pricing.yaml").version
    assert deskhand("prices", "show", "claude-sonet-5-5") == 2
    assert "did you mean claude-sonnet-5-5?" in capsys.readouterr().err


def test_an_edited_snapshot_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown from it, and the file and what to do are named."""
    file = folder / snapshot.FILE
    file.write_text(file.read_text().replace('"2.5"', '"0.5"', 1))
    for words in (("prices", "show"), ("prices", "diff", "--yes")):
        assert deskhand(*words) == 2
        assert "prices.json: hash: " in capsys.readouterr().err

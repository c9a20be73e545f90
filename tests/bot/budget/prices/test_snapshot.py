"""The rates that were agreed to: `bot.budget.prices.snapshot`."""

import json
import os
import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bot.budget.prices import snapshot
from bot.budget.prices.pricing import Prices
from bot.budget.prices.snapshot import Snapshot
from bot.budget.prices.tariffs import ALWAYS, Rate, Tariff
from bot.errors import ConfigError
from tests.support.paths import CONFIG

COMMITTED = CONFIG / snapshot.FILE
CHEAP, DEAR = Rate(Fraction(100)), Rate(Fraction(125, 2), ((100_000, Fraction(500)),))
TAKEN = Snapshot(
    "genai-prices 0.2.3",
    {
        "plain": (Tariff(ALWAYS, CHEAP, CHEAP, CHEAP, CHEAP, CHEAP, None),),
        "dated": (
            Tariff(ALWAYS, DEAR, CHEAP, CHEAP, CHEAP, DEAR, Fraction(10_000_000)),
            Tariff(date(2026, 3, 13), CHEAP, CHEAP, CHEAP, CHEAP, CHEAP, Fraction(10_000_000)),
        ),
    },
    {"plain": (Tariff(ALWAYS, CHEAP, CHEAP, CHEAP, CHEAP, DEAR, None),)},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a snapshot that was written."""
    snapshot.write(tmp_path / snapshot.FILE, TAKEN)
    return tmp_path / snapshot.FILE


def test_a_snapshot_is_read_back_as_it_was(file: Path) -> None:
    """Half nano-dollars, long prompts, days and missing search prices included; the next one replaces it whole."""
    assert snapshot.read(file) == TAKEN
    other = Snapshot("genai-prices 0.3", {}, {})
    snapshot.write(file, other)
    assert snapshot.read(file) == other
    assert [path.name for path in file.parent.iterdir()] == [snapshot.FILE]
    assert file.stat().st_mode & 0o777 == 0o644


def _first_rate(content: dict[str, Any]) -> None:
    content["standard"]["plain"][0]["input"] = "0.09"


def _model_left_out(content: dict[str, Any]) -> None:
    del content["standard"]["plain"]


def _package(content: dict[str, Any]) -> None:
    content["package"] = "genai-prices 9"


def _hash_left_out(content: dict[str, Any]) -> None:
    del content["hash"]


@pytest.mark.parametrize("edit", [_first_rate, _model_left_out, _package, _hash_left_out])
def test_a_snapshot_that_was_edited_by_hand_is_refused(file: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """The hash no longer fits; the message names the file, the field, and where a rate of one's own belongs."""
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=r"prices\.json: hash: .*restore it .*pricing\.yaml"):
        snapshot.read(file)


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", "\x00", "true"])
def test_what_is_no_snapshot_is_refused(file: Path, content: str) -> None:
    """Nothing but what was written is read, and it cannot crash the start."""
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"prices\.json: .*restore it"):
        snapshot.read(file)


def test_a_snapshot_that_was_cut_short_is_refused(file: Path) -> None:
    """Wherever the disk was full; only the line's end may be missing."""
    whole = file.read_text()
    for length in range(0, len(whole) - 1, 7):
        file.write_text(whole[:length])
        with pytest.raises(ConfigError, match=r"cut short or edited by hand"):
            snapshot.read(file)
    file.write_text("[" * 2_000 + "]" * 2_000)
    with pytest.raises(ConfigError, match=r"cut short or edited by hand"):
        snapshot.read(file)


def test_a_missing_snapshot_is_refused(tmp_path: Path) -> None:
    """No process starts without its prices."""
    with pytest.raises(ConfigError, match=r"prices\.json: cannot be read: No such file or directory; .*restore it"):
        snapshot.read(tmp_path / snapshot.FILE)


def test_a_write_that_fails_leaves_the_old_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk changes no price and leaves nothing behind."""

    def full(_descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=re.escape(f"{file}: cannot be written: No space left")):
        snapshot.write(file, Snapshot("genai-prices 9", {}, {}))
    assert snapshot.read(file) == TAKEN
    assert [path.name for path in file.parent.iterdir()] == [snapshot.FILE]


def test_the_hash_does_not_hang_on_the_order_of_fields() -> None:
    """A database may give the fields of JSON back in another order."""
    assert snapshot.digest({"a": 1, "b": {"c": 2, "d": 3}}) == snapshot.digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert snapshot.digest({"a": 1}) != snapshot.digest({"a": 2})


def test_prices_are_those_of_the_snapshot(tmp_path: Path) -> None:
    """Whatever package is installed, a model that was not agreed to has no price."""
    snapshot.write(tmp_path / snapshot.FILE, TAKEN)
    (tmp_path / "pricing.yaml").write_text("hidden_prompt_tokens: 0\nservice_tiers: {}\ngeographies: {}\n")
    prices = Prices.load(tmp_path / "pricing.yaml")
    assert (prices.standard, prices.fast) == (TAKEN.standard, TAKEN.fast)
    assert not prices.knows("claude-sonnet-5-5")
    assert Prices.load(COMMITTED.with_name("pricing.yaml")).knows("claude-sonnet-5-5")

"""A configuration in which a few people may do what a whole town does: tests of other things have few.

Its suite is brief: the whole one is played by `tests/bot/evals/test_sabotage.py`, and what only needs a release that
may serve need not play it again.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import yaml

from bot.evals.cases import COVERAGE, PROBES
from tests.support.paths import CONFIG

_MANY = 1_000_000
OF_EACH_SLICE = 1
"Cases of each slice in a brief suite."


@cache
def roomy() -> Path:
    """Return the configuration of this checkout with room for everybody, in a folder that ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="deskhand-config-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    config = Path(shutil.copytree(CONFIG, folder / "config"))
    widen(config)
    shorten(config)
    return config


def widen(config: Path) -> None:
    """Let one person of a configuration have all there is; what a channel may spend stays."""
    for card in config.glob("agents/*/card.yaml"):
        given = yaml.safe_load(card.read_text(encoding="utf-8"))
        bounds = ("turns", "tickets_an_hour", "tickets_a_day", "messages_an_hour")
        given["per_person"] = dict.fromkeys(bounds, _MANY)
        given["limits"]["turns_an_hour"] = _MANY
        card.write_text(yaml.safe_dump(given), encoding="utf-8")
    budgets = config / "budgets.yaml"
    known = yaml.safe_load(budgets.read_text(encoding="utf-8"))
    for scope in ("user", "team"):
        known.pop(scope, None)
    budgets.write_text(yaml.safe_dump(known | {"share": 1}), encoding="utf-8")


def shorten(config: Path) -> None:
    """Leave a suite the first cases of each slice, which is evaluated in the same way and much sooner; no probes."""
    for file in config.glob("agents/*/evals/*.yaml"):
        known = yaml.safe_load(file.read_text(encoding="utf-8"))
        if file.name == PROBES:
            file.unlink()
            continue
        if file.name == COVERAGE:
            known = {name: min(least, OF_EACH_SLICE) for name, least in known.items()}
        else:
            known["cases"] = known["cases"][:OF_EACH_SLICE]
        file.write_text(yaml.safe_dump(known, allow_unicode=True), encoding="utf-8")
    for card in config.glob("agents/*/card.yaml"):
        given = yaml.safe_load(card.read_text(encoding="utf-8"))
        given["evals"].pop("probes", None)
        card.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")

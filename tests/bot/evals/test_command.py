"""`deskhand eval run`: what its exit code says to a program, and what it leaves untouched."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.agent import card
from bot.cli import main, root
from bot.errors import ConfigError, Transient
from bot.evals import runner
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.store import db
from bot.store.releases import verdicts
from bot.store.schema import RunState, Verdict
from tests.support.paths import CONFIG, ROOT
from tests.support.release_rows import judged

AWAY = "127.0.0.1:1"
"Where nothing listens."


@pytest.fixture
def evaluate(
    sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, quiet_logs: None
) -> Iterator[Callable[..., int]]:
    """Return what runs the command in an environment, and looks that the verdict is the one of before."""
    monkeypatch.chdir(ROOT)
    given = {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": redis_url,
        "ANTHROPIC_API_KEY": "k",
        "DESKHAND_MODEL": "stand-in-1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    release, suite = pair_of(Settings.from_environment(), card.load(CONFIG / "agents/access"))
    with closing(db.connect(sqlite_url)) as database:
        with database.write() as session:
            judged(session, release, suite)

        def play(**environment: str) -> int:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setattr("sys.argv", ["deskhand", "eval", "run"])
            with pytest.raises(SystemExit) as ended:
                main()
            with database.read() as session:
                assert verdicts.standing(session, release, suite).verdict == "pass"
            return int(ended.value.code or 0)

        yield play


def test_a_redis_that_is_away_is_no_verdict(evaluate: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """Found before the first case is played, and told in one sentence."""
    assert evaluate(REDIS_URL=f"redis://{AWAY}/0") == 2
    err = capsys.readouterr().err
    assert "the evaluation did not end: redis: " in err
    assert "The release keeps the verdict that it had." in err
    assert "played" not in err


def test_a_database_that_is_away_is_no_verdict(
    evaluate: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nowhere to write one down."""
    assert evaluate(DATABASE_URL=f"postgresql://u:p@{AWAY}/d") == 2
    assert "the evaluation did not end: database: " in capsys.readouterr().err


def test_a_model_that_is_away_is_no_verdict(
    evaluate: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first case that cannot be played ends it: the others would only wait as long."""
    monkeypatch.setattr("bot.agent.retries.FIRST_PAUSE", 0.0)
    assert evaluate(ANTHROPIC_BASE_URL=f"http://{AWAY}") == 2
    out, err = capsys.readouterr()
    assert "INVALID, no verdict" in out
    assert "Fix what was down" in out
    assert ", 1 met an outage, " in err
    assert "107/107 played" not in err


@pytest.mark.parametrize("broken", [KeyboardInterrupt(), Transient("database: gone"), ZeroDivisionError("a secret")])
def test_a_run_that_breaks_off_is_no_verdict(
    evaluate: Callable[..., int],
    broken: BaseException,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody reads `block` where nothing was judged, and nobody reads a traceback's words."""

    def break_off(**_: Any) -> None:
        raise broken

    monkeypatch.setattr(runner, "run_suite", break_off)
    assert evaluate() == 2
    assert "keeps the verdict that it had" in capsys.readouterr().err


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("block", 1), (None, 2)])
def test_each_verdict_has_a_code(
    evaluate: Callable[..., int], verdict: str | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a pipeline stops at."""
    state = "finished" if verdict else "invalid"
    ended = runner.RunReport(
        1, "r", "s", RunState(state), Verdict(verdict) if verdict else None, ("why",), 1, (), 0.1, 0
    )
    monkeypatch.setattr(runner, "run_suite", lambda **_: ended)
    assert evaluate() == code


def test_of_several_agents_none_is_evaluated_by_accident(tmp_path: Path) -> None:
    """The only one need not be named; of several the command wants a name, and says which there are."""
    shutil.copytree(CONFIG / "agents", tmp_path / "agents")
    settings = Settings(deskhand_config=tmp_path)
    assert root.known(settings, None).card.name == "access"
    shutil.copytree(CONFIG / "examples/agents/software", tmp_path / "agents/software")
    with pytest.raises(ConfigError, match="name one with --agent: access, software"):
        root.known(settings, None)
    assert root.known(settings, "software").card.name == "software"

"""Whose the database and Redis are: no command and no process works on those of others."""

from contextlib import closing
from pathlib import Path

import pytest
import redis

from bot.errors import ConfigError
from bot.ground import MARK, Ground, Kind
from bot.settings import Settings
from bot.store import db
from bot.store.installation import marks
from jobs import eval_desk, process
from tests.support.command_line import deskhand
from tests.support.paths import DEMO_PEOPLE
from tests.support.redis_users import EVERYTHING, redis_user


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

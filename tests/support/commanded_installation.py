"""An installation as commands are pointed at it: by variables, with a database that is there or not."""

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from bot.ground import Kind
from bot.store import db
from bot.store.installation import marks
from tests.support.paths import ROOT


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


def process_environment(url: str, redis_url: str, **more: str) -> dict[str, str]:
    """Return the variables of a process, more of them or others than ours by name."""
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


@pytest.fixture
def installation(sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment be one in which every command could start."""
    monkeypatch.chdir(ROOT)
    tokens = {"SLACK_SIGNING_SECRET": "s", "SLACK_APP_TOKEN": "xapp-a"}
    for name, value in process_environment(sqlite_url, redis_url, **tokens).items():
        monkeypatch.setenv(name, value)

"""Several `deskhand migrate` at once, as from a start script on each host, and one without a database."""

from pathlib import Path

import pytest

from tests.support import migrations_at_once
from tests.support.command_line import deskhand


@pytest.mark.unpooled("test_pooler.py has the same behind one")
def test_one_migrates_and_the_other_waits(postgres_url: str, tmp_path: Path) -> None:
    """Both end well, with the schema of this code, and hold no lock any more."""
    with migrations_at_once.empty_database(postgres_url) as empty:
        assert migrations_at_once.migrate_twice(empty, empty, tmp_path) == ([0, 0], 2, True)


@pytest.mark.usefixtures("quiet_logs")
def test_without_a_database_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address has a password, which nobody reads there."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://dora:hush@127.0.0.1:9/deskhand")
    assert deskhand("migrate") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("deskhand: database: ")
    assert "`deskhand migrate` can be run again" in line
    assert not any(word in line for word in ("dora", "hush"))

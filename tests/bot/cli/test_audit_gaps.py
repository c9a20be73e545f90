"""`deskhand audit gaps`: the exit code says whether there are gaps; what is missing is named."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.store import schema
from bot.store.audit import gaps
from bot.store.db import Database
from tests.support.command_line import deskhand
from tests.support.kept_books import keep_books


@pytest.fixture
def books(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Return the installation's database."""
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setattr(gaps, "GRACE", gaps.GRACE * 0)
    return sqlite


def test_without_a_gap_the_exit_code_is_0(books: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """For people in a sentence, for programs as numbers."""
    with books.write() as session:
        keep_books(session)
    assert deskhand("audit", "gaps") == 0
    assert capsys.readouterr().out == f"No gap: {len(gaps.LOOKS)} kinds were looked for.\n"
    assert deskhand("audit", "gaps", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"gaps": 0, "kinds_looked_for": len(gaps.LOOKS), "found": []}


def test_a_gap_is_named_and_the_exit_code_is_1(
    books: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its row, its ticket and what it means; of days without a gap there is none."""
    with books.write() as session:
        keep_books(session, "tool.finished")
    assert deskhand("audit", "gaps") == 1
    said = capsys.readouterr().out
    assert said.startswith("Gaps: 1\n")
    assert f"ticket 1, audit 1: {gaps.GapKind.INTENT_OPEN.means}" in said
    assert deskhand("audit", "gaps", "--json") == 1
    [one] = json.loads(capsys.readouterr().out)["found"]
    assert (one["kind"], one["what"], one["ticket"]) == ("intent_without_outcome", "audit 1", 1)
    later = schema.now() + timedelta(days=2)
    monkeypatch.setattr(schema, "now", lambda: later)
    assert deskhand("audit", "gaps", "--since", f"{later - timedelta(days=1):%Y-%m-%dT%H:%M:%S}") == 0


def test_a_time_since_which_nothing_can_be_looked_at_yet_is_no_proof(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A local time that UTC has not reached, or one whose acts may still wait for their record: no "no gap"."""
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    for ahead in (timedelta(hours=1), -gaps.GRACE / 2):
        since = f"{schema.now() + ahead:%Y-%m-%dT%H:%M:%S}"
        assert deskhand("audit", "gaps", "--since", since) == 2
        said = capsys.readouterr()
        assert "expected a time in UTC that is over 2 minutes ago" in said.err
        assert said.out == ""
    assert deskhand("audit", "gaps", "--since", f"{schema.now() - 2 * gaps.GRACE:%Y-%m-%dT%H:%M:%S}") == 0


@pytest.mark.parametrize("command", ["gaps", "verify", "explain turn:1", "sample", "export"])
def test_what_cannot_be_looked_at_is_one_line_and_exit_code_2(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No database, or one that does not answer, is nothing that was found, whatever the command was to find."""
    for url in (f"sqlite:///{tmp_path / 'none.db'}", "postgresql+psycopg://nobody@127.0.0.1:1/none"):
        monkeypatch.setenv("DATABASE_URL", url)
        assert deskhand("audit", *command.split()) == 2
        [said] = capsys.readouterr().err.splitlines()
        assert said.startswith("deskhand: database: ")
        assert said.count("database:") == 1

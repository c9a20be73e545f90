"""The files of releases and suites: `bot.store.releases.kept_files`."""

from sqlalchemy import event

from bot.store.db import Database
from bot.store.releases import kept_files
from bot.store.schema import FileText
from tests.support.factories import at_once, rows


def test_files_are_stored_once_and_alike_texts_once(database: Database) -> None:
    """What decides nothing in a file may change later: the files are as they were when their owner was first stored."""
    files = {"card.yaml": "name: access\n", "prompt.md": "Ünlock.", "pleas.yaml": "Ünlock."}

    def keep(number: int) -> None:
        with database.write() as session:
            kept_files.keep(session, "access@1", files if number else {**files})

    at_once(4, keep)
    with database.write() as session:
        kept_files.keep(session, "access@1", {"card.yaml": "name: access # a comment\n"})
        kept_files.keep(session, "access@2", {})
    with database.read() as session:
        assert kept_files.read(session, "access@1") == files
        assert kept_files.read(session, "access@2") == {}
    assert sorted(row.text for row in rows(database, FileText)) == ["name: access\n", "Ünlock."]


def test_many_files_take_as_many_statements_as_one(database: Database) -> None:
    """Each process that serves an agent stores the files of its folder before its first turn, and a suite is many."""
    made = list[str]()
    event.listen(database.engine, "before_cursor_execute", lambda *told: made.append(told[2]))
    counted = []
    for number in (1, 60):
        made.clear()
        with database.write() as session:
            kept_files.keep(session, f"access@{number}", {f"{name}.yaml": f"{name}" for name in range(number)})
        counted.append(len(made))
    assert counted[0] == counted[1]
    with database.read() as session:
        assert len(kept_files.read(session, "access@60")) == 60

"""What commands make of the database at DATABASE_URL: one that is new, old, another or none."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.directory.local import LocalDirectory
from bot.principals import AccountStatus
from bot.store import db
from tests.support.command_line import deskhand
from tests.support.paths import DEMO_PEOPLE


@pytest.mark.parametrize(
    "words",
    [
        ("agents", "list"),
        ("approvers", "list"),
        ("audit", "export"),
        ("directory", "set", "a-maya", "active"),
        ("eval", "status"),
        ("ground",),
        ("person", "erase", "U0MAYA", "--yes"),
        ("release", "list"),
        ("web",),
    ],
)
def test_only_migrate_makes_a_database(
    database_file: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped address leaves no file, which would count as an installation and hide a demo that runs here."""
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "s" * 32)
    assert deskhand(*words) == 2
    assert "database: there is no file at DATABASE_URL: run `deskhand migrate`" in capsys.readouterr().err
    assert not Path(database_file.removeprefix("sqlite:///")).parent.exists()


@pytest.mark.usefixtures("quiet_logs")
def test_migrate_makes_the_database_and_may_be_run_again(database_file: str) -> None:
    """A new file gets the whole schema; a second run changes nothing."""
    assert deskhand("migrate") == 0
    assert deskhand("migrate") == 0
    database = db.connect(database_file)
    assert db.pending(database) is None
    database.close()


@pytest.mark.usefixtures("quiet_logs")
def test_directory_load_and_set_change_the_local_directory(
    database_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seed's accounts are there, and one of them can be changed from outside."""
    deskhand("migrate")
    assert deskhand("directory", "load", str(DEMO_PEOPLE)) == 0
    assert "12 accounts loaded." in capsys.readouterr().out
    database = db.connect(database_file)
    [maya] = LocalDirectory(database).find_by_email("Maya.Okafor@northwind.example")
    assert maya.status is AccountStatus.LOCKED
    assert deskhand("directory", "set", maya.id, "active") == 0
    [maya] = LocalDirectory(database).find_by_email("maya.okafor@northwind.example")
    assert maya.status is AccountStatus.ACTIVE
    database.close()


@pytest.mark.parametrize("words", [("migrate",), ("ticket", "1"), ("agents", "list")])
def test_an_older_version_refuses_the_database_of_a_newer_one(
    migrated_file: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever goes back to an older version is not told to migrate, which leads nowhere."""
    with closing(db.connect(migrated_file)) as database, database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert deskhand(*words) == 2
    err = capsys.readouterr().err
    assert err.startswith("deskhand: database: its schema is at 9999, this code needs ")
    assert err.endswith(": run the version of Deskhand that has migrated it, or put an earlier backup back\n")


@pytest.mark.parametrize("words", [("migrate",), ("ticket", "1"), ("eval", "status"), ("audit", "verify")])
def test_a_file_that_is_no_database_is_one_sentence(
    database_file: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """What lies at DATABASE_URL may be another file, or one that a disk has damaged; it stays as it is."""
    file = Path(database_file.removeprefix("sqlite:///"))
    file.parent.mkdir()
    file.write_bytes(b"not a database" * 1000)
    assert deskhand(*words) == 2
    assert capsys.readouterr().err == (
        "deskhand: database: the file at DATABASE_URL is damaged, or no SQLite database: correct the address, or put a "
        "backup back\n"
    )
    assert file.read_bytes() == b"not a database" * 1000

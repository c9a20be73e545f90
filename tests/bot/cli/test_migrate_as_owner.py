"""`deskhand migrate` as the owner of the tables: every other process cannot change the audit log."""

from contextlib import closing

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from bot.store import audit, db
from bot.store.db import Database
from bot.store.schema import AuditRow
from tests.support import migrations_at_once
from tests.support.command_line import deskhand
from tests.support.database_roles import application_url
from tests.support.factories import accept, rows
from tests.support.paths import DEMO_PEOPLE

pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.fixture
def addresses(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Set the addresses of the owner and of the application, whose role has no right yet."""
    owner, application = postgres.engine.url.render_as_string(hide_password=False), application_url(postgres)
    monkeypatch.setenv("DATABASE_OWNER_URL", owner)
    monkeypatch.setenv("DATABASE_URL", application)
    return owner, application


def test_the_application_works_and_cannot_change_the_audit_log(postgres: Database, addresses: tuple[str, str]) -> None:
    """Its role gets every right that it needs, by each migration again, and none to change a record."""
    for _ in range(2):
        assert deskhand("migrate") == 0
    application = db.connect(addresses[1])
    assert accept(application) is not None
    with application.write() as session:
        audit.append(session, "test.happened", actor="clock", subject="U0MAYA")
    with pytest.raises(DBAPIError), application.write() as session:
        session.execute(text("UPDATE audit SET event = 'a.b'"))
    application.close()
    assert [(row.event, row.subject) for row in rows(postgres, AuditRow)] == [("test.happened", "U0MAYA")]


def test_a_role_that_does_not_own_the_tables_is_told_so(
    addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever forgets DATABASE_OWNER_URL for a new database reads its name, and no trace of the code."""
    monkeypatch.delenv("DATABASE_OWNER_URL")
    with migrations_at_once.empty_database(addresses[0]) as new:
        with closing(db.connect(new.render_as_string(hide_password=False))) as owner, owner.write() as session:
            session.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
        role = make_url(addresses[1]).username
        monkeypatch.setenv("DATABASE_URL", new.set(username=role).render_as_string(hide_password=False))
        assert deskhand("migrate") == 2
    said = capsys.readouterr().err
    assert said.startswith("deskhand: environment: the role that migrates may not change the tables of this database")
    assert "set DATABASE_OWNER_URL" in said


def test_a_role_without_its_rights_is_told_how_it_gets_them(
    addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever migrates as the owner alone has given no rights to the role of the other processes."""
    monkeypatch.delenv("DATABASE_OWNER_URL")
    with migrations_at_once.empty_database(addresses[0]) as new:
        monkeypatch.setenv("DATABASE_URL", new.render_as_string(hide_password=False))
        assert deskhand("migrate") == 0
        role = make_url(addresses[1]).username
        monkeypatch.setenv("DATABASE_URL", new.set(username=role).render_as_string(hide_password=False))
        assert deskhand("directory", "load", str(DEMO_PEOPLE)) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "deskhand: database: its role may not read it: run `deskhand migrate` with DATABASE_OWNER_URL"
    )


def test_one_role_for_both_is_refused(
    addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is changed, and the error names both settings."""
    monkeypatch.setenv("DATABASE_URL", addresses[0])
    assert deskhand("migrate") != 0
    assert "DATABASE_OWNER_URL and DATABASE_URL need a role (user) each" in capsys.readouterr().err

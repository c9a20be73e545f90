"""Nobody changes the audit log: `bot.store.audit.guards`, the triggers, and SQLite's authorizer."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.errors import ConfigError, Transient
from bot.store import audit
from bot.store.audit import guards, people
from bot.store.db import Database
from bot.store.schema import AUDIT_GUARDS, AuditHead, AuditLink, AuditPerson, AuditRow
from tests.support.audit_rows import recomputed
from tests.support.database_roles import ROLE, application_url, as_application
from tests.support.factories import rows

OF_BOTH = (
    "UPDATE audit SET event = 'a.b'",
    "UPDATE audit SET digest = NULL WHERE seq = 1",
    "DELETE FROM audit WHERE seq = 2",
    "DELETE FROM audit",
    """INSERT INTO audit (seq, event, actor, record, at) VALUES (1, 'a', 'b', '{}', '2026-12-01')
    ON CONFLICT (seq) DO UPDATE SET event = 'a.b'""",
    "UPDATE audit_chain SET hash = prev",
    "DELETE FROM audit_chain WHERE position = 2",
    "INSERT INTO audit_chain (position, audit_seq, prev, hash) SELECT 3, 3, hash, hash FROM audit_head",
    "UPDATE audit_head SET position = 1",
    "DELETE FROM audit_head",
    "INSERT INTO audit_head (place, chain, position, hash) SELECT 2, chain, position, hash FROM audit_head",
    "UPDATE audit_people SET slack_user = 'U0LENA'",
    "DROP TABLE audit_chain",
    "ALTER TABLE audit RENAME TO audit_of_before",
    "DROP INDEX ix_audit_intent",
)
OF_POSTGRESQL = (
    *(f"TRUNCATE {table}" for table in ("audit", "audit_chain", "audit_head", "audit_people", "audit, audit_chain")),
    "MERGE INTO audit USING (SELECT 1 AS one) AS given ON seq = one WHEN MATCHED THEN UPDATE SET event = 'a.b'",
    "MERGE INTO audit USING (SELECT 1 AS one) AS given ON seq = one WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM audit RETURNING *) SELECT count(*) FROM gone",
)
OF_THE_ROLE = (
    "DELETE FROM audit_people",
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in ("audit", "audit_chain", "audit_head", "audit_people")),
    "DROP TRIGGER audit_kept ON audit",
    "DROP TRIGGER audit_chained ON audit",
    """CREATE TRIGGER before_all BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
    "CREATE RULE nothing AS ON INSERT TO audit DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION audit_refused() CASCADE",
    "ALTER FUNCTION audit_chained() SECURITY INVOKER",
    "SET session_replication_role = replica",
    f"ALTER TABLE audit OWNER TO {ROLE}",
    "SET ROLE postgres",
    "SELECT * FROM audit FOR UPDATE",
    "LOCK TABLE audit_head IN ACCESS EXCLUSIVE MODE",
    "UPDATE alembic_version SET version_num = '0001'",
    """DO $$ BEGIN CREATE TEMP TABLE forged (seq bigint, digest bytea);
    CREATE TRIGGER forging AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION audit_chained();
    INSERT INTO forged VALUES (3, decode(repeat('00', 32), 'hex')); END $$""",
)
OF_SQLITE = (
    "REPLACE INTO audit (seq, event, actor, record, at, digest) VALUES (1, 'a', 'b', '{}', '', zeroblob(32))",
    """INSERT OR REPLACE INTO audit (event, actor, intent_id, record, at, digest)
    VALUES ('a', 'b', 1, '{}', '', zeroblob(32))""",
    "UPDATE OR REPLACE audit SET seq = 1 WHERE seq = 2",
    "REPLACE INTO audit_people (reference, salt, slack_user) SELECT reference, salt, 'U0LENA' FROM audit_people",
    """REPLACE INTO audit_chain (position, audit_seq, prev, hash)
    SELECT position, audit_seq, prev, prev FROM audit_chain""",
    "REPLACE INTO audit_head (place, chain, position, hash) SELECT place, chain, 0, zeroblob(32) FROM audit_head",
    "DELETE FROM audit_people",
    *(f"DROP TRIGGER {name}" for name in ("audit_chained", "audit_kept", "audit_not_changed", "audit_not_replaced")),
    "CREATE TRIGGER before_all BEFORE INSERT ON audit BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TEMP TRIGGER before_all BEFORE INSERT ON audit BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TEMP TRIGGER audit_chained AFTER INSERT ON tickets BEGIN UPDATE main.audit_head SET position = 0; END",
    "PRAGMA writable_schema = 1",
    "PRAGMA Writable_Schema",
    "DELETE FROM sqlite_master WHERE type = 'trigger'",
    "DROP TABLE audit",
    "ALTER TABLE audit DROP COLUMN digest",
)


def kept(database: Database) -> list[str]:
    """Return all that the audit tables hold."""
    told = []
    for table in (AuditRow, AuditLink, AuditHead, AuditPerson):
        for row in rows(database, table):
            names = row.__slots__ if table is AuditRow else [column.name for column in table.__table__.columns]
            told.append(repr([getattr(row, name) for name in names]))
    return told


def filled(database: Database) -> list[str]:
    """Add an intent and its outcome, and return all that the audit tables hold."""
    with database.write() as session:
        intent = audit.append(session, "tool.intended", actor="agent:access@1", subject="U0MAYA")
        audit.append(session, "tool.finished", actor="agent:access@1", subject="U0MAYA", intent_id=intent)
    return kept(database)


@contextmanager
def refusing(database: Database, owner: Database) -> Iterator[None]:
    """See that the audit tables are the same after some statements, and that a record can be added."""
    before = filled(owner)
    yield
    assert kept(owner) == before
    with database.write() as session:
        audit.append(session, "test.happened", actor="clock", subject="U0TOMAS")
    assert recomputed(owner) == 3


def refuse(database: Database, statement: str) -> None:
    """See that a statement is refused, and not for another reason than that it would change something."""
    said = "nothing"
    try:
        with database.write() as session:
            session.execute(text(statement))
    except (DBAPIError, Transient) as error:
        said = str(error)
    assert any(word in said for word in ("audit", "authorized", "InsufficientPrivilege", "modified")), (statement, said)


def test_the_application_cannot_change_a_record_on_postgresql(postgres: Database) -> None:
    """Its role may add and read; every statement that changes, removes or takes a guard away is refused."""
    with as_application(postgres) as application, refusing(application, postgres):
        for statement in (*OF_BOTH, *OF_POSTGRESQL, *OF_THE_ROLE):
            refuse(application, statement)


def test_the_owner_has_to_take_a_guard_away_first(postgres: Database) -> None:
    """The triggers refuse whoever it is, so that no statement of ours changes a record by mistake."""
    with refusing(postgres, postgres):
        for statement in (*OF_BOTH[:12], *OF_POSTGRESQL):
            refuse(postgres, statement)


def test_the_application_cannot_change_a_record_on_sqlite(sqlite: Database) -> None:
    """Whatever the statement: its own connections refuse to compile it, or a trigger to do it."""
    with refusing(sqlite, sqlite):
        for statement in (*OF_BOTH, *OF_SQLITE):
            refuse(sqlite, statement)


def test_another_path_to_the_same_file_is_guarded_too(sqlite: Database) -> None:
    """An attached database has the same tables."""
    with refusing(sqlite, sqlite), sqlite.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.rollback()
        raw.execute("ATTACH ? AS other", [str(sqlite.engine.url.database)])
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            raw.execute("UPDATE other.audit SET event = 'a.b'")
        raw.execute("DETACH other")


def test_a_shadow_of_the_head_is_not_chained_to(postgres: Database) -> None:
    """A temporary table of that name, which everybody may make, is none that the owner's function writes to."""
    with as_application(postgres) as application, application.write() as session:
        session.execute(text("CREATE TEMP TABLE audit_head (place int, chain text, position bigint, hash bytea)"))
        session.execute(text("INSERT INTO audit_head VALUES (1, 'x', 41, decode(repeat('00', 32), 'hex'))"))
        audit.append(session, "test.happened", actor="clock")
    assert recomputed(postgres) == 1


def test_a_chain_without_a_head_takes_no_records(database: Database) -> None:
    """Were it deleted by its owner, nothing would be added outside the chain without a word."""
    with database.write() as session, guards.lifted(session):
        session.execute(text("DELETE FROM audit_head"))
    with pytest.raises(DBAPIError), database.write() as session:
        audit.append(session, "test.happened", actor="clock")
    assert rows(database, AuditRow) == []


def test_a_person_is_forgotten_by_a_right_of_its_own(postgres: Database) -> None:
    """The application's role has not got it; the owner has."""
    filled(postgres)
    with as_application(postgres) as application, pytest.raises(DBAPIError), application.write() as session:
        people.forget(session, "U0MAYA")
    with postgres.write() as session:
        assert people.forget(session, "U0MAYA") == 1


def test_guards_are_lifted_for_one_transaction_only(database: Database) -> None:
    """A seal may remove what it has signed; afterwards everything is guarded and chained as before."""
    filled(database)
    with database.write() as session:
        audit.append(session, "test.happened", actor="clock")
        with guards.lifted(session):
            session.execute(text("DELETE FROM audit_chain WHERE position = 1"))
            session.execute(text("DELETE FROM audit WHERE seq = 1"))
    refuse(database, "DELETE FROM audit")
    refuse(database, "UPDATE audit_chain SET hash = prev")
    with database.write() as session:
        audit.append(session, "test.happened", actor="clock")
    assert [row.position for row in rows(database, AuditLink)] == [2, 3, 4]


def test_whoever_could_change_records_is_known(postgres: Database) -> None:
    """The owner of the tables could, and so could a role with one right too many."""
    with postgres.read() as session:
        assert guards.could_change(session)
    with as_application(postgres) as application:
        with application.read() as session:
            assert not guards.could_change(session)
        for right in ("UPDATE ON audit", "DELETE ON audit_chain", "INSERT ON audit_head", "DELETE ON audit_people"):
            with postgres.write() as session:
                session.execute(text(f"GRANT {right} TO {ROLE}"))
            with application.read() as session:
                assert guards.could_change(session), right
            with postgres.write() as session:
                guards.grant_application(session, application_url(postgres))
            with application.read() as session:
                assert not guards.could_change(session)


def test_roles_that_are_one_or_lead_elsewhere_are_refused(postgres: Database) -> None:
    """The error names both settings, and never an address."""
    owner = postgres.engine.url
    guards.check_roles(owner=str(owner), application=str(owner.set(username=ROLE)))
    wrong = (owner, owner.set(username=ROLE, database="another"), owner.set(username=None))
    for application in (*map(str, wrong), "sqlite:///secret.db", "postgresql://u:secret@[/d"):
        with pytest.raises(ConfigError, match=r"DATABASE_OWNER_URL (and|or) DATABASE_URL") as error:
            guards.check_roles(owner=str(owner), application=application)
        assert "secret" not in str(error.value)


def test_migrations_make_the_guards_that_the_schema_describes(database: Database) -> None:
    """Evaluations make their tables by the schema, and installations by migrations."""
    with database.read() as session:
        if database.engine.dialect.name == "sqlite":
            found = session.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'"))
            there = {" ".join(one.split()) for one in found}
            of = [one for of in AUDIT_GUARDS["sqlite"].values() for one in of if one.startswith("CREATE TRIGGER")]
            assert there == {" ".join(one.split()) for one in of}
            return
        names = set(
            session.scalars(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'audit%'"))
        )
        bodies = " ".join(session.scalars(text("SELECT prosrc FROM pg_proc WHERE proname LIKE 'audit%'")))
    statements = [one for of in AUDIT_GUARDS["postgresql"].values() for one in of]
    assert names == {one.split("TRIGGER ")[1].split()[0] for one in statements if "TRIGGER " in one.split(" ON ")[0]}
    assert all(one.split("$$")[1] in bodies for one in statements if one.startswith("CREATE FUNCTION"))

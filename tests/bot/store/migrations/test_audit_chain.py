"""The audit log of the build before is chained, and names people by reference: revision 0040."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.util import pyfiles

from bot.audit_chain import canonical
from bot.store import audit
from bot.store.audit import people
from bot.store.db import Database
from bot.store.installation import revisions
from bot.store.personal import erasing, whose
from bot.store.schema import AuditPerson, AuditRow, Ticket
from tests.support.audit_rows import raw_records, recomputed
from tests.support.factories import rows
from tests.support.volumes import volume

BEFORE = "0039"
RECORDS = volume(550, long=20_500)
"More than a few batches; `make bench-audit-migration` chains a million."
BATCH, TOLD = volume(100, long=1_000), volume(500, long=5_000)
"Records that are changed at once, and after which progress is told; the migration's own are the long ones."
PEOPLE = 50
OLD = sqlalchemy.table(
    "audit",
    *(
        sqlalchemy.column(one.name, sqlalchemy.JSON() if one.name == "record" else one.type)
        for one in AuditRow.__table__.columns
        if one.name != "digest"
    ),
)
"The build before stored numbers that have no canonical form."


def old_record(number: int) -> dict[str, Any]:
    """Return a row as the build before wrote it."""
    user, at = f"U0{number % PEOPLE:03}", datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number, microseconds=7)
    given = {"tool": "unlock", "by": user, "keys": [f"user:{user}:2026-11-01"], "big": 10**16, "share": 0.25}
    given |= {"account": f"acc-{user}", "in_answer_to": [f"D0{number % PEOPLE:03}", "1700000000.000100"]}
    about = {"seq": 2 * number, "ticket_id": number // 8, "intent_id": None, "at": at, "record": given}
    return {"event": "tool.intended", "actor": "agent:access@1", "subject": user, **about}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    load = pyfiles.load_module_py

    def loaded(name: str, path: Any) -> Any:
        module = load(name, path)
        if "0040" in str(path):
            module.BATCH, module.TOLD = BATCH, TOLD  # type: ignore[attr-defined]
        return module

    monkeypatch.setattr(pyfiles, "load_module_py", loaded)


def to_before(database: Database) -> None:
    """Go back to the build before."""
    with database.engine.connect() as connection:
        command.downgrade(revisions._config(connection), BEFORE)
        connection.commit()


def fill(database: Database) -> None:
    """Write rows into the log of the build before."""
    to_before(database)
    with database.engine.begin() as connection:
        for first in range(1, RECORDS + 1, 1000):
            many = [old_record(number) for number in range(first, min(first + 1000, RECORDS + 1))]
            connection.execute(sqlalchemy.insert(OLD), many)
        if connection.dialect.name == "postgresql":
            connection.execute(sqlalchemy.text("SELECT setval('audit_seq_seq', :last)"), {"last": 2 * RECORDS})


def erase(database: Database, user: str) -> None:
    """Erase somebody who asked once, in a direct conversation."""
    place = {"team": "T1", "channel": user.replace("U", "D"), "thread_ts": "1700000000.000100", "private": True}
    with database.write() as session:
        session.add(Ticket(**place, requester=user, account=f"acc-{user}", agent="access", state="resolved"))
        session.flush()
        who = whose.gather(session, user)
        erasing.erase(session, who)
        erasing.forget_in_audit(session, who)


def read_before(database: Database) -> list[dict[str, Any]]:
    """Return the log as the build before reads it."""
    with database.read() as session:
        return [dict(row) for row in session.execute(sqlalchemy.select(OLD).order_by(OLD.c.seq)).mappings()]


def test_the_log_is_chained_and_the_way_back_gives_what_was_there(
    database: Database, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every record is in the chain in its order and reads as before, and new ones follow; progress is told.

    Whoever is erased afterwards is named in no record: not by their id, their account or their direct conversation.
    """
    fill(database)
    before = read_before(database)
    revisions.migrate(database_url)
    told = capsys.readouterr().err
    assert told.splitlines()[0] == f"audit: {TOLD:,} of {RECORDS:,} records are chained"
    with database.write() as session:
        audit.append(session, "test.happened", actor="clock", subject="U0001")
    assert recomputed(database) == RECORDS + 1
    found = rows(database, AuditRow)
    assert len(rows(database, AuditPerson)) == 3 * PEOPLE
    stored = json.dumps([[row.actor, row.subject, row.record] for row in raw_records(database)[:100]])
    assert [one for one in ("U0", "D0", "acc-") if one in stored] == []
    with database.read() as session:
        texts = session.scalars(sqlalchemy.text("SELECT CAST(record AS TEXT) FROM audit ORDER BY seq LIMIT 9")).all()
    assert [text.encode() for text in texts] == [canonical.bytes_of(json.loads(text)) for text in texts]
    expected = old_record(7)
    expected["record"]["big"] = str(10**16)
    assert {name: getattr(found[6], name) for name in expected} == expected
    erase(database, "U0003")
    to_before(database)
    again = read_before(database)
    assert [row["seq"] for row in again[:-1]] == [row["seq"] for row in before]
    for row, was in zip(again[:200], before[:200], strict=True):
        was["record"]["big"] = str(10**16)
        erased = re.sub("acc-U0003|[UD]0003", people.ERASED, json.dumps(was, default=str))
        assert json.loads(json.dumps(row, default=str)) == json.loads(erased)
    revisions.migrate(database_url)


def test_an_empty_log_begins_a_chain(database: Database, database_url: str) -> None:
    """Its first record has position 1."""
    to_before(database)
    revisions.migrate(database_url)
    with database.write() as session:
        audit.append(session, "test.happened", actor="clock")
    assert recomputed(database) == 1

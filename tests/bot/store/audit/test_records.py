"""The audit log: `bot.store.audit.records`."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
import sqlalchemy
from sqlalchemy.exc import IntegrityError

from bot.store import audit, db
from bot.store.audit import chain
from bot.store.db import Database
from bot.store.schema import AuditRow
from tests.support.audit_rows import recomputed
from tests.support.factories import rows
from tests.support.paths import ROOT


def intend(database: Database, ticket_id: int = 1) -> int:
    """Write an intent down."""
    with database.write() as session:
        return audit.append(session, "tool.intended", actor="agent:access@1", ticket_id=ticket_id, tool="unlock")


def test_records_are_numbered_and_told_by_ticket(database: Database) -> None:
    """A ticket's records come in the order they were written, with all that was given."""
    first, _, third = intend(database), intend(database, 2), intend(database)
    with database.read() as session:
        found = audit.of_ticket(session, 1)
    assert [row.seq for row in found] == [first, third]
    assert first < third
    assert (found[0].event, found[0].actor, found[0].record) == ("tool.intended", "agent:access@1", {"tool": "unlock"})


def test_an_intent_has_one_outcome(database: Database) -> None:
    """The table refuses a second one, and the transaction that tried leaves nothing, in the chain neither."""
    intent = intend(database)
    with database.write() as session:
        audit.append(session, "tool.finished", actor="agent:access@1", intent_id=intent)
    with pytest.raises(IntegrityError), database.write() as session:
        audit.append(session, "tool.refused", actor="agent:access@1", intent_id=intent)
    assert [row.event for row in rows(database, AuditRow)] == ["tool.intended", "tool.finished"]
    assert recomputed(database) == 2


def test_each_record_is_chained_to_the_one_before(database: Database) -> None:
    """Digests and hashes are those that anybody computes from the rows, whatever the records hold."""
    for values in (
        {},
        {"n": 0.1 + 0.2, "big": 2**53 - 1},
        {"text": 'é\n"\U0001f600', "list": [None, True, {"b": 1, "a": 2}]},
    ):
        with database.write() as session:
            audit.append(session, "test.happened", actor="clock", subject="U0MAYA", ticket_id=3, **values)
            audit.append(session, "test.happened", actor="U0LENA", by="U0LENA")
    assert recomputed(database) == 6
    with database.read() as session:
        head = chain.head(session)
        batches = list(chain.links(session, batch=4))
    assert head is not None
    assert [len(batch) for batch in batches] == [4, 2]
    assert [row.position for batch in batches for row in batch] == [1, 2, 3, 4, 5, 6]
    assert (head.position, head.hash) == (6, batches[1][1].hash)


def test_a_record_that_is_rolled_back_leaves_no_gap(database: Database) -> None:
    """Its number is not used again, its position is."""
    first = intend(database)
    with database.engine.connect() as connection, db.Session(connection) as session:
        audit.append(session, "test.happened", actor="clock")
        session.rollback()
    assert intend(database) > first
    assert recomputed(database) == 2


def test_an_integer_that_readers_of_json_would_round_is_kept_as_text(database: Database) -> None:
    """A budget of ten million dollars in nano-US-dollars is one."""
    with database.write() as session:
        audit.append(session, "budget.raised", actor="U0LENA", limit_nusd=10**16, spent=[-(10**16)])
    assert rows(database, AuditRow)[0].record == {"limit_nusd": "10000000000000000", "spent": ["-10000000000000000"]}
    assert recomputed(database) == 1


def test_a_process_of_an_older_version_cannot_append(database: Database) -> None:
    """A record without a digest would be outside the chain: it is refused, whether it is NULL or too short."""
    intend(database)
    for digest in (None, b"", bytes(31)):
        old = {"event": "a.b", "actor": "clock", "record": {}, "at": datetime.now(UTC), "digest": digest}
        with pytest.raises(IntegrityError), database.write() as session:
            session.execute(sqlalchemy.insert(AuditRow).values(old))
    assert recomputed(database) == 1


def test_another_program_cannot_append_to_sqlite(sqlite: Database) -> None:
    """It has no function that chains, and says so; nothing is added."""
    intend(sqlite)
    with (
        closing(sqlite3.connect(str(sqlite.engine.url.database))) as other,
        pytest.raises(sqlite3.OperationalError) as error,
    ):
        other.execute("INSERT INTO audit (event, actor, record, at, digest) VALUES ('a', 'b', '{}', '', zeroblob(32))")
    assert "audit_hash" in str(error.value)
    assert recomputed(sqlite) == 1


def test_a_lock_on_the_head_is_held_only_by_a_commit(postgres: Database) -> None:
    """A transaction that has appended and goes on keeps nobody from appending."""
    with postgres.write() as slow:
        audit.append(slow, "slow.happened", actor="clock")
        with postgres.write() as quick:
            quick.execute(sqlalchemy.text("SET LOCAL lock_timeout = '2s'"))
            audit.append(quick, "quick.happened", actor="clock")
    assert recomputed(postgres) == 2
    with postgres.read() as session:
        [batch] = chain.links(session)
    assert [row.event for row in batch] == ["quick.happened", "slow.happened"]


def test_only_append_adds_to_the_audit_log() -> None:
    """No other module of the product makes a row of it, so that every record is chained and names no person."""
    makes = re.compile(
        r"AuditRow\(|insert\(AuditRow|insert_new(_rows)?\([^)]*AuditRow|upsert\([^)]*AuditRow|INTO audit\b"
    )
    modules = [file for top in ("bot", "jobs") for file in (ROOT / top).rglob("*.py")]
    made = {file.relative_to(ROOT).as_posix() for file in modules if makes.search(file.read_text("utf-8"))}
    assert made == {"bot/store/audit/records.py", "bot/store/schema/audit.py"}

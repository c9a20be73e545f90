"""The audit log: `bot.store.audit`."""

import pytest
from sqlalchemy.exc import IntegrityError

from bot.store import audit
from bot.store.db import Database
from bot.store.schema import AuditRow
from tests.support.factories import rows


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
    """The table refuses a second one, and the transaction that tried leaves nothing."""
    intent = intend(database)
    with database.write() as session:
        audit.append(session, "tool.finished", actor="agent:access@1", intent_id=intent)
    with pytest.raises(IntegrityError), database.write() as session:
        audit.append(session, "tool.refused", actor="agent:access@1", intent_id=intent)
    assert [row.event for row in rows(database, AuditRow)] == ["tool.intended", "tool.finished"]

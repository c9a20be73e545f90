"""What a name leads to, and which acts an auditor draws from: `bot.store.audit.things` and `strata`."""

from typing import Any

import pytest

from bot.store import audit
from bot.store.audit import chain, strata, things
from bot.store.audit.strata import ActKind
from bot.store.audit.things import NameKind, Thing, ThingName
from bot.store.db import Database
from bot.store.schema import StepKind
from bot.store.tickets import steps
from tests.support.factories import FIRST, handed_off, new_turn, running

UNLOCK = "unlock_my_account"
CALL = Thing("turn:1:2", 1, 1, 2)


def record(database: Database, event: str, *, intent_id: int | None = None, **facts: Any) -> int:
    """Add a record of the first ticket and return its number."""
    with database.write() as session:
        return audit.append(session, event, actor="agent:access@1", ticket_id=1, intent_id=intent_id, **facts)


@pytest.fixture
def called(database: Database) -> Database:
    """A turn that has called a tool that writes."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        steps.start(session, attempt, seq=2, kind=StepKind.TOOL, name=UNLOCK, request={})
    return database


def find(database: Database, kind: NameKind, **more: object) -> list[Thing]:
    """Return what a name leads to."""
    with database.read() as session:
        return things.find(session, ThingName(kind, **more))  # type: ignore[arg-type]


def test_a_record_leads_to_the_call_that_it_is_of(called: Database) -> None:
    """An intent, its outcome, and what was found later; a record of the turn leads to itself, with its turn."""
    intent = record(called, "tool.intended", turn=1, step=2, tool=UNLOCK)
    of_call = [
        intent,
        record(called, "tool.finished", intent_id=intent, tool=UNLOCK),
        record(called, "agreement.changed", turn=1, step=2),
    ]
    for number in of_call:
        [thing] = find(called, NameKind.RECORD, number=number)
        assert (thing.name, thing.step, thing.record) == ("turn:1:2", 2, number)
    other = record(called, "call.refused", turn=1, step=7)
    assert find(called, NameKind.RECORD, number=other) == [Thing(f"audit:{other}", 1, 1, record=other)]
    assert find(called, NameKind.RECORD, number=999) == find(called, NameKind.POSITION, number=999) == []
    with called.read() as session:
        places = {link.audit_seq: link.position for rows in chain.links(session) for link in rows}
    assert find(called, NameKind.POSITION, number=places[other]) == find(called, NameKind.RECORD, number=other)


def test_a_message_leads_to_its_turn_or_its_thread(called: Database) -> None:
    """A message that nobody has stored leads to the ticket of the thread that its link names."""
    assert find(called, NameKind.MESSAGE, channel="C0HELP", ts=FIRST.ts) == [Thing("turn:1", 1, 1)]
    unknown = {"channel": "C0HELP", "ts": "1.5", "thread_ts": FIRST.ts}
    assert find(called, NameKind.MESSAGE, **unknown) == [Thing("ticket:1", 1)]
    assert find(called, NameKind.MESSAGE, **unknown | {"channel": "C0OTHER"}) == []


def test_a_number_is_looked_up_as_everything_that_has_numbers(called: Database) -> None:
    """Each thing once, however many names lead to it."""
    record(called, "tool.intended", turn=1, step=2)
    assert find(called, NameKind.NUMBER, number=1) == [
        Thing("ticket:1", 1),
        Thing("turn:1", 1, 1),
        Thing("turn:1:2", 1, 1, 2, record=1),
    ]
    assert find(called, NameKind.CALL, number=1, step=2) == [CALL]
    assert find(called, NameKind.CALL, number=1, step=3) == []


def test_a_handoff_leads_to_its_ticket(database: Database) -> None:
    """Its story is that of the whole ticket."""
    handoff = handed_off(database)
    assert find(database, NameKind.HANDOFF, number=handoff.id) == [Thing("ticket:1", 1)]


def test_acts_are_counted_once_in_their_stratum(called: Database) -> None:
    """A call that two attempts made is one act; what the directory refused is no refusal of ours."""
    allowed: dict[str, Any] = {"tool": UNLOCK, "decision": "Allowed", "turn": 1, "step": 2}
    write = record(called, "tool.intended", **allowed)
    record(called, "tool.taken_over", **allowed)
    record(called, "tool.refused", intent_id=write, tool=UNLOCK)
    record(called, "tool.intended", tool="look_up_my_account", decision="Allowed", turn=1, step=3)
    denied = record(called, "tool.intended", tool=UNLOCK, decision="Denied", turn=1, step=4)
    record(called, "tool.intended", tool=UNLOCK, decision="NeedsApproval", turn=1, step=5)
    ended = [record(called, f"approval.{how}", approval=1) for how in ("approved", "denied", "expired", "withdrawn")]
    record(called, "approval.opened", approval=1)
    handoff = record(called, "handoff.opened", handoff=1)
    refused = [record(called, "requester.refused"), record(called, "call.refused", turn=1, step=9)]
    with called.read() as session:
        found = strata.all_acts(session, [UNLOCK])
    assert found == {
        ActKind.WRITES: [write],
        ActKind.APPROVALS: ended,
        ActKind.HANDOFFS: [handoff],
        ActKind.REFUSALS: [denied, *refused],
    }

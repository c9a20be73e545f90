"""What is owed, counted: `bot.store.backlog`."""

from datetime import UTC, datetime, timedelta

import pytest

from bot import durations
from bot.store import backlog
from bot.store.backlog import NOTHING, Backlog, BacklogCount, Lane, WorkerTurns
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.outbox import deliveries, messages
from bot.store.schema import Handoff, InboxKind, LedgerRow, Message, Turn
from bot.store.tickets import inbox_commands, turns
from bot.store.tickets.inbox_commands import InboxCommand
from tests.support.factories import Clock, finish, handed_off, heard, new_turn, plans, put, running, store

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)

INDEXES = {
    "turns": "ix_turns_owed",
    "messages": "ix_messages_unshown",
    "handoffs": "uq_handoffs_active",
    "ledger": "ix_ledger_sent",
    "inbox_events": "ix_inbox_events_kind",
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """It is nine o'clock until a test says otherwise."""
    return Clock().rule(monkeypatch)


def seen(database: Database) -> Backlog:
    """Count what is owed now."""
    with database.read() as session:
        return backlog.read(session)


@pytest.mark.usefixtures("clock")
def test_nothing_is_owed_at_first(database: Database) -> None:
    """An empty house owes nothing, and knows the time."""
    found = seen(database)
    assert found == Backlog(
        NINE, NOTHING, NOTHING, (), NOTHING, NOTHING, NOTHING, NOTHING, (), NOTHING, NOTHING, NOTHING
    )


def test_turns_are_counted_with_who_has_them(database: Database, clock: Clock) -> None:
    """Waiting since when, running under which leases, and which of them have ended; a turn that is done is not owed."""
    ids = [new_turn(database, heard(number, thread_ts=None)) for number in range(1, 6)]
    running(database, ids[0], worker="w1", lease=30)
    clock.passes(seconds=2)
    running(database, ids[1], worker="w1", lease=60)
    running(database, ids[2], worker="w2", lease=60)
    finish(database, running(database, ids[3]))
    found = seen(database)
    assert found.waiting == BacklogCount(1, 0, NINE)
    assert found.running == BacklogCount(3, 0, NINE)
    ends = NINE + timedelta(seconds=30)
    assert found.leases == (WorkerTurns("w1", 2, 0, ends), WorkerTurns("w2", 1, 0, NINE + timedelta(seconds=62)))
    clock.passes(seconds=29)
    found = seen(database)
    assert (found.waiting.late, found.running.late) == (1, 1)
    assert found.leases[0] == WorkerTurns("w1", 2, 1, ends)


def test_a_turn_that_was_put_back_is_nobodys(database: Database, clock: Clock) -> None:
    """Who had it last does not count as having it."""
    attempt = running(database, new_turn(database), worker="w1")
    with database.write() as session:
        turns.put_back(session, attempt, after=0.0)
    found = seen(database)
    assert (found.waiting.count, found.running, found.leases) == (1, NOTHING, ())


def test_a_turn_that_is_held_back_is_never_late(database: Database, clock: Clock) -> None:
    """It waits for others of its requester, however long those take; nobody is missing."""
    held_back, _ = (new_turn(database, heard(number, thread_ts=None)) for number in (1, 2))
    put(database, Turn, held_back, held_back=True, queued_at=None)
    clock.passes(minutes=5)
    assert (seen(database).waiting.count, seen(database).waiting.late) == (2, 1)


def test_messages_are_counted_by_state_and_lane(database: Database, clock: Clock) -> None:
    """What is to say, being sent, to be updated and refused; what stands in Slack as it should is not owed."""
    said, changed, sending, refused, withdrawn, waits = (
        store(database, key, lane=key) for key in ("said", "changed", "sending", "refused", "withdrawn", "waits")
    )
    clock.passes(seconds=3)
    store(database, "behind", lane="waits")
    for one in (said, changed):
        put(database, Message, one, state="posted", ts="1.0", shown_revision=1)
    with database.write() as session:
        messages.revise(session, "changed", {"text": "new"})
        assert deliveries.take(session, sending) is not None
    put(database, Message, refused, state="failed")
    put(database, Message, withdrawn, state="withdrawn")
    put(database, Message, waits, attempts=4)
    found = seen(database)
    assert (found.stored, found.sending) == (BacklogCount(2, 0, NINE), BacklogCount(1, 0, NINE))
    assert (found.updates, found.failed) == (BacklogCount(1, 0, NINE), BacklogCount(1, 0, NINE))
    assert found.lanes == (Lane("sending", 1, NINE, 1), Lane("waits", 2, NINE, 4))
    clock.passes(seconds=60)
    found = seen(database)
    assert [found.stored.late, found.sending.late, found.updates.late, found.failed.late] == [2, 1, 1, 0]


@pytest.mark.usefixtures("clock")
def test_the_lanes_that_wait_longest_are_shown(database: Database) -> None:
    """So many, the oldest first, when Slack has been away for long."""
    for number in range(backlog.MOST_LANES + 3):
        made = store(database, str(number), lane=f"lane {number:02}")
        put(database, Message, made, created_at=NINE - timedelta(minutes=number))
    lanes = seen(database).lanes
    assert len(lanes) == backlog.MOST_LANES
    assert [lane.name for lane in lanes[:2]] == ["lane 12", "lane 11"]


def test_handoffs_without_a_card_are_late(database: Database, clock: Clock) -> None:
    """A handoff that responders cannot see is told from one that they can; an ended one is gone."""
    handoff = handed_off(database)
    assert seen(database).handoffs == BacklogCount(1, 0, NINE)
    clock.passes(seconds=16)
    assert seen(database).handoffs == BacklogCount(1, 1, NINE)
    card = store(database, "card", kind="card", handoff_id=handoff.id)
    assert seen(database).handoffs.late == 1
    put(database, Message, card, state="posted")
    assert seen(database).handoffs == BacklogCount(1, 0, NINE)
    with database.write() as session:
        handoffs.claim(session, handoff.id, "U0PRIYA", lease_minutes=30)
    assert seen(database).handoffs.count == 1
    put(database, Handoff, handoff.id, state="resolved")
    assert seen(database).handoffs == NOTHING


def test_open_money_is_counted(database: Database, clock: Clock) -> None:
    """A call whose cost is not known yet, and one whose lease is over; settled ones are known."""
    for rid, state, lease in (("a", "sent", 5), ("b", "sent", 60), ("c", "settled", 5), ("d", "charged", 5)):
        with database.write() as session:
            session.add(
                LedgerRow(
                    rid=rid,
                    state=state,
                    team="T1",
                    channel="C0HELP",
                    user="U0MAYA",
                    agent="access",
                    release="access@1",
                    step=1,
                    model="m",
                    price_version="v",
                    accounts=[],
                    reserved_nusd=1,
                    at=NINE,
                    lease_until=NINE + timedelta(seconds=lease),
                )
            )
    assert seen(database).money == BacklogCount(2, 0, NINE)
    clock.passes(seconds=6)
    assert seen(database).money == BacklogCount(2, 1, NINE)


def test_commands_are_owed_as_long_as_slack_takes_an_answer(database: Database, clock: Clock) -> None:
    """An answered one is not owed, nor is one that is too old to be answered; a message is no command."""
    new_turn(database)
    with database.write() as session:
        first, second = (
            inbox_commands.accept(session, InboxCommand(f"Ev{kind}", InboxKind(kind), "T1", "C0HELP", "U0MAYA", "", {}))
            for kind in ("command", "shortcut")
        )
        assert first is not None
        assert second is not None
    assert seen(database).commands == BacklogCount(2, 0, NINE)
    with database.write() as session:
        inbox_commands.mark_answered(session, first)
    clock.passes(seconds=20)
    assert seen(database).commands == BacklogCount(1, 1, NINE)
    clock.passes(seconds=durations.COMMAND_GIVE_UP)
    assert seen(database).commands == NOTHING


def test_a_look_is_few_statements_and_reads_no_old_message(database: Database) -> None:
    """Six statements; those over tables that only grow go by an index."""
    found = plans(database, lambda _: seen(database))
    assert len(found) == 6
    for statement, plan in found.items():
        table = statement.rpartition("\nFROM ")[2].split()[0] if "EXISTS" not in statement else "handoffs"
        assert INDEXES[table] in plan or database.engine.dialect.name == "postgresql", plan
        assert f"Seq Scan on {table}" not in plan, plan

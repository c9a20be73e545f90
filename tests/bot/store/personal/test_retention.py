"""The words of tickets at rest are erased in batches: nothing else changes, and what is under way is never touched."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import func, insert, select, update

from bot.store.db import Database, Session, file_of
from bot.store.figures import day_counts
from bot.store.figures.day_counts import Span
from bot.store.personal import loose_rows, retention, rewriting_rows
from bot.store.personal.inventory import TABLES
from bot.store.personal.retention import BatchErased
from bot.store.schema import (
    Approval,
    ApprovalState,
    AuditRow,
    CaseProposal,
    FollowerState,
    Handoff,
    HandoffState,
    InboxEvent,
    Message,
    MessageState,
    Step,
    Ticket,
    TicketState,
    Turn,
    TurnState,
)
from bot.store.tickets import tickets
from tests.support.audit_rows import recomputed
from tests.support.dying_process import ends_by_kill
from tests.support.factories import at_once, everything, rows
from tests.support.lived_person import HER, LATER, LONG_BEFORE, SHE_ASKED, lived_in

DAYS = {"access": 30}


def erase(database: Database, at: datetime = LATER, **more: Any) -> BatchErased | None:
    """Erase a batch."""
    with database.write() as session:
        return retention.erase_batch(session, DAYS, at, **more)


def test_the_words_of_tickets_at_rest_are_gone(database: Database) -> None:
    """From every column that the inventory says holds words; every other column is as it was."""
    lived_in(database)
    before = everything(database)
    assert (SHE_ASKED in str(before)) is True
    batch = erase(database)
    after = everything(database)
    assert batch is not None
    assert batch.tickets == (1, 2, 3, 4)
    assert "xylophone" not in str({name: held for name, held in after.items() if TABLES[name].of})
    changed = {"words_erased_at", *(("state", "decided_by", "decided_at", "revision"))}
    for name, data in TABLES.items():
        if name in ("audit", "audit_chain", "audit_head", "audit_people"):
            continue
        others = [
            one
            for one in data.columns()
            if one not in data.words.split() and not (one in changed and name in ("tickets", "case_proposals"))
        ]
        assert [[row[one] for one in others] for row in after[name]] == [
            [row[one] for one in others] for row in before[name]
        ], name


def test_what_is_counted_is_counted_alike_afterwards(database: Database) -> None:
    """Turns, tools, thumbs and spending of the day come to the same, although their words are gone."""
    lived_in(database)
    span = [Span(LONG_BEFORE - timedelta(days=1), LATER)]
    with database.read() as session:
        before = (day_counts.counted(session, span), day_counts.thumbs(session, span))
    erase(database)
    with database.read() as session:
        assert (day_counts.counted(session, span), day_counts.thumbs(session, span)) == before
    assert before[0]


def test_a_batch_has_only_so_many_tickets(database: Database) -> None:
    """The oldest come first, and the next batch goes on where the last one has ended."""
    lived_in(database)
    with database.write() as session:
        session.execute(update(Ticket).where(Ticket.id == 4).values(created_at=LONG_BEFORE - timedelta(days=1)))
    batches = [erase(database, at_most=2) for _ in range(3)]
    assert [None if one is None else one.tickets for one in batches] == [(4, 1), (2, 3), None]


def let(table: Any, **values: Any) -> Callable[[Session], object]:
    """Return what changes the rows of ticket 2 in a table."""
    of = Ticket.id if table is Ticket else table.ticket_id
    return lambda session: session.execute(update(table).where(of == 2).values(values))


@pytest.mark.parametrize(
    "under_way",
    [
        let(Turn, state=TurnState.WAITING),
        let(Turn, state=TurnState.RUNNING),
        let(Handoff, state=HandoffState.OPEN),
        let(Handoff, state=HandoffState.CLAIMED),
        let(Approval, state=ApprovalState.ASKED),
        let(Ticket, state=TicketState.HANDED_OFF),
        let(Ticket, following=FollowerState.WAITING),
        let(InboxEvent, received_at=LATER - timedelta(days=29)),
        let(Message, created_at=LATER - timedelta(days=29)),
        let(Message, state=MessageState.STORED),
        let(Message, revision=2),
    ],
)
def test_what_is_under_way_is_never_touched(database: Database, under_way: Callable[[Session], object]) -> None:
    """A turn, a handoff, an approval, a surge, a message of these days or one that is owed: each keeps every word."""
    lived_in(database)
    with database.write() as session:
        under_way(session)
    kept = [row for row in everything(database)["inbox_events"] if row["ticket_id"] == 2]
    batch = erase(database)
    assert batch is not None
    assert set(batch.tickets) == {1, 3, 4}
    assert [row for row in everything(database)["inbox_events"] if row["ticket_id"] == 2] == kept


def test_an_answered_ticket_is_at_rest_although_nobody_closed_it(database: Database) -> None:
    """The requester never came back: open is no reason to keep their words for ever."""
    lived_in(database)
    with database.write() as session:
        let(Ticket, state=TicketState.OPEN)(session)
    batch = erase(database)
    assert batch is not None
    assert 2 in batch.tickets


def test_a_batch_is_one_record_of_the_audit_log(database: Database) -> None:
    """It counts the rows of each table and has a hash over them, and none of the words."""
    lived_in(database)
    with database.read() as session:
        where = rewriting_rows.of_tickets("feedback", TABLES["feedback"], (1, 2, 3, 4))
        root = rewriting_rows.root("feedback", rewriting_rows.read(session, "feedback", where, ("words",)))
    erase(database)
    [record] = [row for row in rows(database, AuditRow) if row.event == "retention.erased"]
    assert record.actor == "clock"
    assert record.record["tables"]["feedback"] == {"rows": 4, "root": root}
    assert record.record["tickets"] == [1, 2, 3, 4]
    assert record.record["opened"] == [LONG_BEFORE.isoformat(), LONG_BEFORE.isoformat()]
    assert "xylophone" not in str(record.record)
    assert erase(database) is None
    assert len([row for row in rows(database, AuditRow) if row.event == "retention.erased"]) == 1


def test_a_later_message_brings_a_ticket_back(database: Database) -> None:
    """Whoever hears something in a ticket locks it, and then it is looked at again when its time has come."""
    lived_in(database)
    erase(database)
    with database.write() as session:
        assert tickets.lock(session, 2).words_erased_at is None
        said = {"event_id": "Ev9", "kind": "message", "team": "T1", "channel": "C0HELP", "ts": "9.9", "user": HER}
        session.execute(
            insert(InboxEvent).values(
                **said, text="again", files=[], detail={}, ticket_id=2, state="accepted", received_at=LATER
            )
        )
    assert erase(database) is None
    batch = erase(database, LATER + timedelta(days=31))
    assert batch is not None
    assert (batch.tickets, set(batch.tables)) == ((2,), {"inbox_events"})


def test_a_process_that_is_killed_has_erased_whole_batches(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """SIGKILL right before the second commit: one ticket has lost its words, and the next process erases the others.

    Each batch is one record, and the chain is whole before and after.
    """
    lived_in(database)
    before = everything(database)
    ends_by_kill(tmp_path, "erased", database_url)
    assert [ticket.id for ticket in rows(database, Ticket) if ticket.words_erased_at is not None] == [1]
    kept = [row for row in before["inbox_events"] if row["ticket_id"] != 1]
    assert [row for row in everything(database)["inbox_events"] if row["ticket_id"] != 1] == kept
    assert (recomputed(database), records_of_batches(database)) == (len(rows(database, AuditRow)), [[1]])
    batch = erase(database)
    assert batch is not None
    assert batch.tickets == (2, 3, 4)
    assert (recomputed(database), records_of_batches(database)) == (len(rows(database, AuditRow)), [[1], [2, 3, 4]])


def records_of_batches(database: Database) -> list[list[int]]:
    """Return the tickets of each batch that the audit log has."""
    return [row.record["tickets"] for row in rows(database, AuditRow) if row.event == "retention.erased"]


def test_two_clocks_share_the_tickets(postgres: Database) -> None:
    """Each ticket is erased by one of them, and neither waits for a ticket that somebody has locked."""
    lived_in(postgres)
    with postgres.write() as turn:
        tickets.lock(turn, 2)
        done = at_once(4, lambda _number: erase(postgres, at_most=1))
    erased = [ticket for batch in done if batch is not None for ticket in batch.tickets]
    assert sorted(erased) == [1, 3, 4]
    assert erase(postgres, at_most=1) is not None


def test_erased_words_are_gone_from_the_file(sqlite: Database) -> None:
    """SQLite leaves old bytes where they were, unless it is told to write over them."""
    lived_in(sqlite)
    file = file_of(sqlite.engine.url.render_as_string(hide_password=False))
    assert file is not None
    emptied_log(sqlite)
    assert b"xylophone" in Path(file).read_bytes()
    erase(sqlite)
    emptied_log(sqlite)
    assert b"xylophone" not in Path(file).read_bytes()


def emptied_log(database: Database) -> None:
    """Let the file have everything that is in the log."""
    with database.engine.connect() as connection:
        connection.execute(sqlalchemy.text("COMMIT"))
        connection.execute(sqlalchemy.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        connection.execute(sqlalchemy.text("BEGIN"))


def test_many_tickets_are_erased_by_small_transactions(postgres: Database) -> None:
    """Each batch is as small as the first, however many tickets there are."""
    made = {"team": "T1", "channel": "C0HELP", "private": False, "requester": HER, "agent": "access"}
    with postgres.write() as session:
        many = [
            {**made, "thread_ts": f"1.{number}", "state": "resolved", "created_at": LONG_BEFORE}
            for number in range(300)
        ]
        session.execute(insert(Ticket), many)
        numbers = session.scalars(select(Ticket.id)).all()
        turns = [{"ticket_id": one, "state": "done", "outcome": "reply", "finished_at": LONG_BEFORE} for one in numbers]
        session.execute(insert(Turn), turns)
        of = session.scalars(select(Turn.id)).all()
        step = {"seq": 0, "attempt": 1, "kind": "model", "name": "m", "status": "ok", "response": {"content": ["x"]}}
        session.execute(insert(Step), [{**step, "turn_id": one, "request": {"messages": ["said"]}} for one in of])
    sizes = []
    while (batch := erase(postgres)) is not None:
        sizes.append(batch.tables["steps"].rows)
    assert sizes == [retention.AT_MOST] * 15
    with postgres.read() as session:
        assert session.scalar(select(func.count()).where(Ticket.words_erased_at.is_(None))) == 0
    assert {str(step.request) for step in rows(postgres, Step)} == {"{}"}


def loose(database: Database, table: Any, before: datetime) -> int:
    """Erase a batch of rows without a ticket."""
    with database.write() as session:
        return loose_rows.erase_batch(session, table, before)


def test_what_belongs_to_no_ticket_goes_by_its_age(database: Database) -> None:
    """Commands and reports; a message that is still owed keeps its words, and what is younger too."""
    lived_in(database)
    with database.write() as session:
        owed = {"kind": "digest", "lane": "l", "channel": "C0HELP", "body": {"text": "owed"}}
        session.add(Message(key="owed", **owed, created_at=LONG_BEFORE))
        session.flush()
        session.add(Message(key="after", **owed, state="posted", shown_revision=1, created_at=LONG_BEFORE))
    assert loose(database, InboxEvent, LONG_BEFORE) == 0
    assert loose(database, InboxEvent, LATER) == 1
    assert [event.text for event in rows(database, InboxEvent) if event.ticket_id is None] == [""]
    assert loose(database, Message, LATER) == 2
    bodies = {message.key: message.body for message in rows(database, Message) if message.ticket_id is None}
    assert bodies == {
        f"digest:week:{HER}": {},
        f"limit:T1:{HER}:9": {},
        "owed": {"text": "owed"},
        "after": {"text": "owed"},
    }
    assert loose(database, Message, LATER) == 0
    with database.write() as session:
        session.execute(update(Message).where(Message.key == "owed").values(state="posted"))
    assert loose(database, Message, LATER) == 2
    with database.read() as session:
        assert not loose_rows.any_due(session, Message, LATER)
    records = [row.record["tables"] for row in rows(database, AuditRow) if row.event == "retention.erased"]
    assert [set(tables) for tables in records] == [{"inbox_events"}, {"messages"}, {"messages"}]


def test_a_proposal_that_nobody_has_decided_ends_with_its_words(database: Database) -> None:
    """A form without words is no case."""
    lived_in(database)
    erase(database)
    assert {row.state for row in rows(database, CaseProposal)} == {"dismissed"}

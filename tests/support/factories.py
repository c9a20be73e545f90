"""What the tests of the store set up: messages, tickets, turns and handoffs, each in a transaction of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from threading import Barrier
from typing import Any, TypeVar, overload

import pytest
import sqlalchemy
from sqlalchemy import select, text, update
from sqlalchemy.orm import DeclarativeBase, Session

from bot.principals import Reason
from bot.store import audit
from bot.store.audit import AuditRecord
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.outbox import messages
from bot.store.schema import (
    AuditRow,
    Base,
    Handoff,
    HandoffContext,
    InboxEvent,
    Message,
    Ticket,
    Turn,
    TurnOutcome,
    base,
    now,
)
from bot.store.sql.audit_guard import AUDIT
from bot.store.tickets import tickets, turns
from bot.store.tickets.tickets import Accepted, Heard
from bot.store.tickets.turns import Attempt

_COMPARED = [table for table in Base.metadata.sorted_tables if table.name not in AUDIT]
_FILLED = text(" UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT 1 FROM {one})" for one in _COMPARED))  # noqa: S608 - our names
_Row = TypeVar("_Row", bound=DeclarativeBase)
_T = TypeVar("_T")

FIRST = Heard(
    event_id="Ev1",
    team="T1",
    channel="C0HELP",
    ts="1700000001.000001",
    thread_ts=None,
    user="U0MAYA",
    text="I cannot sign in",
    files=(),
    private=False,
)


def heard(number: int, **changes: Any) -> Heard:
    """Return a later message in the thread that `FIRST` opens."""
    fields = {"event_id": f"Ev{number}", "ts": f"1700000001.{number:06d}", "thread_ts": FIRST.ts, "text": f"{number}"}
    return replace(FIRST, **(fields | changes))


def accept(database: Database, message: Heard = FIRST) -> Accepted | None:
    """Accept a message."""
    with database.write() as session:
        return tickets.accept(session, message, agent="access")


def new_turn(database: Database, message: Heard = FIRST) -> int:
    """Accept a message that opens a turn, and return the turn."""
    accepted = accept(database, message)
    assert accepted is not None
    assert accepted.turn_id is not None
    return accepted.turn_id


def begin(database: Database, turn_id: int, *, worker: str = "w1", lease: float = 60.0) -> Attempt | None:
    """Try to take a turn."""
    with database.write() as session:
        return turns.begin(session, turn_id, worker=worker, lease=lease)


def running(database: Database, turn_id: int, **more: Any) -> Attempt:
    """Take a turn that is free."""
    attempt = begin(database, turn_id, **more)
    assert attempt is not None
    return attempt


def finish(database: Database, attempt: Attempt, outcome: TurnOutcome = TurnOutcome.REPLY) -> int | None:
    """End a turn, and return the one that follows."""
    with database.write() as session:
        return turns.finish(session, attempt, outcome=outcome, reason=None, category=None, release="access@1")


def hand_off(database: Database, ticket_id: int, *, reason: Reason = Reason.REQUESTED) -> Handoff:
    """Give a ticket to people."""
    with database.write() as session:
        return handoffs.open_for(
            session,
            ticket_id,
            turn_id=None,
            reason=reason,
            summary="Maya asks for a person.",
            context=HandoffContext(cost_nusd=7),
            queue_channel="C0QUEUE",
            actor="agent:access@1",
        )


def open_for_people(session: Session, ticket_id: int, *, context: HandoffContext | None = None, **more: str) -> Handoff:
    """Stop the turns of a ticket and open a handoff of it: a lost phone, unless told otherwise."""
    turns.stop(session, ticket_id)
    fields = {"summary": "A lost phone.", "queue_channel": "C0QUEUE", "actor": "agent:access", **more}
    reason = Reason(fields.pop("reason", Reason.OUT_OF_POLICY))
    return handoffs.open_for(
        session, ticket_id, turn_id=None, reason=reason, context=context or HandoffContext(), **fields
    )


def handed_off(database: Database) -> Handoff:
    """Return the open handoff of a ticket whose one turn has ended in it."""
    attempt = running(database, new_turn(database))
    finish(database, attempt, TurnOutcome.HANDOFF)
    return hand_off(database, attempt.ticket.id)


def store(database: Database, key: str, **changes: Any) -> int:
    """Store a message that is new, and return its id."""
    fields = {"kind": "notice", "lane": "l", "channel": "C0HELP", "body": {"text": key}}
    with database.write() as session:
        stored = messages.add(session, key=key, **(fields | changes))
    assert stored is not None
    return stored


@dataclass
class Clock:
    """The house's time, which stands still until a test moves it."""

    at: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC)
    tick: timedelta = timedelta()
    "How far it goes on by itself whenever it is read."

    def now(self, _zone: tzinfo) -> datetime:
        """Read it, as `datetime.now` is read."""
        self.at += self.tick
        return self.at

    def passes(self, **time: float) -> None:
        """Let time pass: minutes=5."""
        self.at += timedelta(**time)

    def rule(self, patch: pytest.MonkeyPatch) -> "Clock":
        """Let every moment that is written down from now on be read from this clock."""
        patch.setattr(base, "datetime", self)
        return self


def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return all that is stored, table by table, to be compared with what is stored later.

    Of the audit log, the records as people read them; its chain follows from them.
    """
    with database.read() as session:
        stored = dict[str, list[dict[str, Any]]]({table.name: [] for table in _COMPARED})
        for name in session.scalars(_FILLED).all():  # most tables are empty, and one statement tells which are not
            table = Base.metadata.tables[name]
            query = select(table).order_by(*table.primary_key)
            stored[name] = [dict(row) for row in session.execute(query).mappings()]
    return stored | {"audit": [asdict(record) for record in rows(database, AuditRow)]}


def in_rounds(count: int, rounds: Sequence[Any], do: Callable[[int, Any], _T]) -> list[list[_T]]:
    """Run something in so many threads that start each round together; return what each gave, round by round."""
    gate = Barrier(count)

    def run(number: int) -> list[_T]:
        given = []
        for one in rounds:
            gate.wait(timeout=300)
            given.append(do(number, one))
        return given

    with ThreadPoolExecutor(count) as pool:
        return [list(given) for given in zip(*pool.map(run, range(count)), strict=True)]


@overload
def rows(database: Database, table: type[AuditRow]) -> list[AuditRecord]: ...  # type: ignore[overload-overlap]
@overload
def rows(database: Database, table: type[_Row]) -> list[_Row]: ...
def rows(database: Database, table: type[Any]) -> list[Any]:
    """Return every row of a table, in the order of its key; of the audit log, the records as people read them."""
    with database.read() as session:
        found = session.scalars(select(table).order_by(*table.__table__.primary_key)).all()
        return audit.named(session, found) if table is AuditRow else list(found)


def event(database: Database, event_id: str) -> InboxEvent:
    """Return what was kept of a message."""
    with database.read() as session:
        return session.scalars(select(InboxEvent).where(InboxEvent.event_id == event_id)).one()


def ticket(database: Database) -> Ticket:
    """Return the one ticket there is."""
    [found] = rows(database, Ticket)
    return found


def message(database: Database, key: str) -> Message:
    """Return a message by its key."""
    with database.read() as session:
        return session.scalars(select(Message).where(Message.key == key)).one()


def put(database: Database, table: type[DeclarativeBase], row_id: int, **values: Any) -> None:
    """Change a row behind the house's back, as time or a crash would."""
    [key] = table.__table__.primary_key
    with database.write() as session:
        session.execute(update(table).where(key == row_id).values(**values))


def expire(database: Database, turn_id: int) -> None:
    """Let a turn's lease end."""
    put(database, Turn, turn_id, lease_until=now() - timedelta(seconds=1))


def at_once(count: int, do: Callable[[int], _T]) -> list[_T]:
    """Run something in so many threads that start together; return what each gave."""
    gate = Barrier(count)

    def run(number: int) -> _T:
        gate.wait(timeout=300)
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def plans(database: Database, ask: Callable[[Session], object]) -> dict[str, str]:
    """Return how the database goes about each SELECT of a reader, by its text, as it would were its tables large."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    with database.read() as session:
        sqlalchemy.event.listen(database.engine, "before_cursor_execute", note)
        ask(session)
        sqlalchemy.event.remove(database.engine, "before_cursor_execute", note)
        connection, explain = session.connection(), "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN"
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # tables of tests are too small for an index
        found = {one: connection.exec_driver_sql(f"{explain} {one}", values).all() for one, values in asked}
    return {statement: "\n".join(str(row) for row in rows) for statement, rows in found.items()}


def turn_row(database: Database, turn_id: int) -> Turn:
    """Return a turn as it is in its row."""
    with database.read() as session:
        return session.get_one(Turn, turn_id)

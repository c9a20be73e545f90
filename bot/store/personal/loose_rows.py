"""Words that belong to no ticket go by age: commands, direct messages without an agent, reports and notices.

Rows are looked at in the order of their ids, and how far that has got is kept, so each is looked at once.
"""

from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.personal import rewriting_rows
from bot.store.schema import InboxEvent, Message, MessageState, RetentionMark

AT_MOST: Final = 200
"Rows that a batch looks at."
TABLES_WITH_LOOSE_ROWS: Final = (InboxEvent, Message)
_OWED: Final = (MessageState.STORED, MessageState.SENDING)
Loose = type[InboxEvent] | type[Message]


def any_due(session: Session, table: Loose, before: datetime) -> bool:
    """Return whether a row that is older than a time has not been looked at."""
    done = session.scalar(select(RetentionMark.row_id).where(RetentionMark.name == table.__tablename__))
    oldest = select(_time(table)).where(table.id > (done or 0)).order_by(table.id).limit(1)
    at = session.scalar(oldest)
    return at is not None and at < before


def erase_batch(session: Session, table: Loose, before: datetime) -> int:
    """Erase the words of the next rows without a ticket that are older than a time; return how many had any.

    It ends before the first message that is still owed to somebody.
    """
    name = table.__tablename__
    db.insert_new(session, RetentionMark, name=name, row_id=0)
    mark = session.scalars(
        select(RetentionMark).where(RetentionMark.name == name).with_for_update(skip_locked=True)
    ).one_or_none()
    if mark is None:
        return 0  # another process is at it
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))
    rows = session.execute(
        select(table.id, table.ticket_id, _time(table), *_state(table))
        .where(table.id > mark.row_id)
        .order_by(table.id)
        .limit(AT_MOST)
    ).all()
    loose: list[int] = []
    for number, ticket, at, *state in rows:
        owed = ticket is None and bool(state) and state[0] in _OWED
        if at >= before or owed:
            break
        mark.row_id = number
        loose += [number] if ticket is None else []
    read = rewriting_rows.read(session, name, table.id.in_(loose), rewriting_rows.words_of(name))
    erased = rewriting_rows.change(session, name, read, partial(rewriting_rows.without_words, name))
    if erased:
        numbers = [row["id"] for row, _ in erased]
        root = rewriting_rows.root(name, [row for row, _ in erased])
        about = {"rule": "days of the cards", "tickets": [], "first": numbers[0], "last": numbers[-1]}
        audit.append(
            session, "retention.erased", actor="clock", **about, tables={name: {"rows": len(numbers), "root": root}}
        )
    return len(erased)


def _time(table: Loose) -> Any:
    return InboxEvent.received_at if table is InboxEvent else Message.created_at


def _state(table: Loose) -> tuple[Any, ...]:
    return () if table is InboxEvent else (Message.state,)

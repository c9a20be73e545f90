"""Everything about one person goes, table by table of the inventory.

Rows that other facts hang on stay without what they say: a ticket keeps its times, its outcome and its cost, so that
figures stay as they were. Invariant: no row of another person is changed where it does not name this one.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, false, or_, select, true, update
from sqlalchemy.orm import Session

from bot.store.audit import people
from bot.store.personal import deleted_words, rewriting_rows
from bot.store.personal.inventory import TABLES
from bot.store.personal.kinds_of_data import DataKind, TableData
from bot.store.personal.rewriting_rows import Row, table_of
from bot.store.personal.stored_values import ERASED, emptied
from bot.store.personal.whose import Whose
from bot.store.schema import FileText, InboxEvent, KeptFile, Requester, Ticket
from bot.store.tickets import quotes, shares

_SEARCHED = (DataKind.PERSON, DataKind.ACCOUNT, DataKind.PLACE, DataKind.WORDS, DataKind.MENTION)
"What may name a person in the row of another one."
_OWN = (DataKind.WORDS, DataKind.PLACE, DataKind.ACCOUNT)
"What goes from the rows of a person's own tickets."


def lock(session: Session, whose: Whose) -> None:
    """Lock a person and their tickets for this transaction, in the order in which everybody does.

    A message of theirs that comes meanwhile waits, and finds a new person.
    """
    for team in session.scalars(select(Requester.team).where(Requester.user == whose.user).order_by(Requester.team)):
        shares.lock(session, team, whose.user)
    involved = select(InboxEvent.ticket_id).where(InboxEvent.user == whose.user, InboxEvent.ticket_id.is_not(None))
    theirs = or_(Ticket.requester == whose.user, Ticket.assignee == whose.user, Ticket.id.in_(involved))
    session.scalars(select(Ticket.id).where(theirs).order_by(Ticket.id).with_for_update(of=Ticket)).all()


def erase(session: Session, whose: Whose) -> dict[str, int]:
    """Erase a person, and return the number of rows that were changed or deleted, for every table; also 0.

    Args:
        session: the open write transaction, which has locked the person.
        whose: the person.
    """
    said_elsewhere = _said_elsewhere(session, whose)
    counts = dict.fromkeys(TABLES, 0)
    for name, data in TABLES.items():
        counts[name] = _delete(session, name, data, whose) + _change(session, name, data, whose)
    counts["file_texts"] = _rename_in_files(session, whose)
    counts["audit_people"] = sum(len(people.references(session, one)) for one in _referred(whose))
    for ticket, words in said_elsewhere.items():
        for name, rows in deleted_words.forget(session, ticket, words, ERASED).items():
            counts[name] += rows
    return counts


def forget_in_audit(session: Session, whose: Whose) -> None:
    """Delete what tells whom the references of the audit log mean, after the last record about the person."""
    for one in _referred(whose):
        people.forget(session, one)


def _referred(whose: Whose) -> tuple[str, ...]:
    return (whose.user, *whose.naming.direct, *whose.accounts)


def _said_elsewhere(session: Session, whose: Whose) -> Mapping[int, Sequence[str]]:
    """Return what a person has said in the tickets of others, by ticket."""
    theirs = select(InboxEvent).where(InboxEvent.user == whose.user, InboxEvent.ticket_id.is_not(None))
    found: dict[int, list[str]] = defaultdict(list)
    for event in session.scalars(theirs.where(InboxEvent.ticket_id.not_in(whose.tickets) if whose.tickets else true())):
        found[int(event.ticket_id or 0)] += [event.text, *(one.text for one in quotes.of(event))]
    return found


def _delete(session: Session, name: str, data: TableData, whose: Whose) -> int:
    if not data.owner:
        return 0
    owned = whose.accounts if data.owner in data.account.split() else (whose.user,)
    gone = delete(table_of(name)).where(table_of(name).c[data.owner].in_(owned))
    return len(session.execute(gone.returning(table_of(name).c[data.owner])).all())


def _change(session: Session, name: str, data: TableData, whose: Whose) -> int:
    searched = data.of_kind(*_SEARCHED)
    if not searched or name == FileText.__tablename__:
        return 0
    own = rewriting_rows.of_tickets(name, data, whose.tickets)
    authored = _authored(name, data, whose.user)
    named = rewriting_rows.naming(name, searched, whose.naming.texts)
    mine = {_key(name, row) for row in rewriting_rows.read(session, name, own, ())}
    rows = rewriting_rows.read(session, name, or_(own, authored, named))

    def new(row: Row) -> dict[str, Any]:
        gone = set(data.of_kind(*_OWN)) if _key(name, row) in mine else set()
        gone |= {column for column, author in data.authors.items() if row[author] == whose.user}
        return {
            column: _empty(name, data, column, row) if column in gone else _unnamed(name, data, column, row, whose)
            for column in searched
        }

    return len(rewriting_rows.change(session, name, rows, new))


def _authored(name: str, data: TableData, user: str) -> ColumnElement[bool]:
    columns = table_of(name).c
    return or_(false(), *(columns[author] == user for author in dict.fromkeys(data.authors.values())))


def _key(name: str, row: Row) -> tuple[Any, ...]:
    return tuple(row[key.name] for key in table_of(name).primary_key)


def _empty(name: str, data: TableData, column: str, row: Row) -> Any:
    """Return a column with nothing in it: no value where it needs none, and one of its own where it has to differ."""
    stored = table_of(name).c[column]
    if rewriting_rows.is_json(stored):
        return emptied(row[column], data.keeps.get(column, ()))
    if stored.nullable:
        return None
    return "" if column in data.words.split() else f"erased:{row['id']}"


def _unnamed(name: str, data: TableData, column: str, row: Row, whose: Whose) -> Any:
    value = whose.naming.without(row[column])
    if value == row[column]:
        return value
    if column in data.account.split() and table_of(name).c[column].nullable:
        return None
    return f"erased:{row['id']}" if column in data.unique.split() else value


def _rename_in_files(session: Session, whose: Whose) -> int:
    """Replace the Slack id of a person in the cards that were kept of releases; a text is known by its hash."""
    rows = rewriting_rows.read(session, "file_texts", rewriting_rows.naming("file_texts", ("text",), (whose.user,)))
    for row in rows:
        text = str(whose.naming.without(row["text"]))
        sha = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if session.get(FileText, sha) is None:
            session.add(FileText(sha=sha, text=text))
            session.flush()
        session.execute(update(KeptFile).where(KeptFile.sha == row["sha"]).values(sha=sha))
        session.execute(delete(FileText).where(FileText.sha == row["sha"]))
    return len(rows)

"""Errors of the database: what they are, and no value, on both databases and wherever they are caught."""

import traceback
from typing import Any

import pytest
from sqlalchemy import exc, text

from bot.errors import ConfigError, Transient, chain
from bot.store import db
from bot.store.db import Database
from bot.store.schema import InboxEvent, LedgerRow, Ticket, now

WORD = "marked-word"


def said(error: BaseException) -> str:
    """Return all that an error and its causes say, in words and in the order of a traceback."""
    told = [f"{one} {one!r} {one.args} {getattr(one, 'params', None)}" for one in chain(error)]
    inner: Any = error
    while inner is not None:  # what Python keeps beside the causes it shows
        told.append(f"{inner} {inner!r}")
        inner = inner.__context__
    return "\n".join([*told, *traceback.format_exception(error)])


def event(**changes: Any) -> InboxEvent:
    """Return a row that holds somebody's words."""
    told = {"event_id": "Ev1", "kind": "message", "team": "T1", "channel": "C1", "ts": "1.1", "user": "U1"}
    return InboxEvent(**{**told, "text": f"my password is {WORD}", **changes})


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([event(), event(ts="1.2")], "event_id"),
        ([event(), event(event_id="Ev2")], "channel"),
        ([event(user=None)], "user"),
        ([event(ticket_id=7)], "FOREIGN KEY|fk_inbox_events_ticket_id"),
        (
            [
                LedgerRow(
                    rid=WORD,
                    team="T",
                    channel=WORD,
                    user=WORD,
                    agent=WORD,
                    release=WORD,
                    step=0,
                    model=WORD,
                    price_version=WORD,
                    accounts=[WORD],
                    reserved_nusd=0,
                    cost_nusd=-1,
                    lease_until=now(),
                )
            ],
            "money",
        ),
    ],
    ids=["unique", "unique together", "not null", "foreign key", "check"],
)
def test_a_violated_constraint_is_named_without_the_row(database: Database, rows: list[Any], names: str) -> None:
    """PostgreSQL's DETAIL would have all of it."""
    known = names if database.engine.name == "sqlite" else "235"
    with pytest.raises(exc.IntegrityError, match=known) as caught, database.write() as session:
        session.add_all([type(row)(**_values(row)) for row in rows])
    assert WORD not in said(caught.value)


def test_a_state_that_is_none_is_not_repeated(database: Database) -> None:
    """It is refused before the database is asked, and the error says no more than that."""
    row = {"team": "T", "channel": "C", "thread_ts": WORD, "private": False, "requester": WORD, "agent": WORD}
    with pytest.raises(exc.StatementError) as caught, database.write() as session:
        session.add(Ticket(**row, state=WORD))
    assert WORD not in said(caught.value)


def _values(row: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


@pytest.mark.parametrize("given", [WORD, f"{WORD}\x00", f"{WORD}\ud800", {WORD}, 2**70])
def test_a_value_that_cannot_be_taken_is_not_repeated(database: Database, given: object) -> None:
    """Neither by the database nor by its driver nor by Python."""
    kinds = (exc.StatementError, Transient, UnicodeError, OverflowError)
    with pytest.raises(kinds) as caught, database.write() as session:
        session.execute(text("SELECT CAST(:given AS integer), 1 FROM no_such_table"), {"given": given}).all()
    assert WORD not in said(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:p@h:/marked-word:x", "DATABASE_URL cannot be read"),
        ("postgresql://u:p@127.0.0.1:marked-word/x", "DATABASE_URL cannot be read"),
        ("marked-word", "DATABASE_URL cannot be read"),
        ("mysql://u:marked-word@h/x", "DATABASE_URL names mysql"),
        ("postgresql://u:p@marked-word.invalid/x", "the name of the server cannot be resolved"),
        ("postgresql://u:marked-word@127.0.0.1:1/x", "connection refused"),
        ("postgresql://u:p@127.0.0.1:1/x?marked-word=1", "an unknown option"),
    ],
)
def test_an_address_is_never_repeated(url: str, says: str) -> None:
    """A password with a sign that was not encoded makes a host of its other half."""
    with pytest.raises((ConfigError, Transient, exc.ProgrammingError)) as caught, db.connect(url).read() as session:
        session.execute(text("SELECT 1"))
    assert says in str(caught.value)
    assert WORD not in said(caught.value)

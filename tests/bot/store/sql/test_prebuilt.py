"""Statements that are built once: `bot.store.sql.prebuilt`."""

from sqlalchemy import bindparam, select, update

from bot.store import db
from bot.store.db import Database
from bot.store.schema import AgentRow, BoundedAccount, now
from bot.store.sql import prebuilt

_FOUND = select(AgentRow.name, AgentRow.retired_at).where(AgentRow.name == bindparam("id"))
_RETIRE = update(AgentRow).where(AgentRow.name == bindparam("id")).returning(AgentRow.name)


def test_what_is_pending_is_seen_and_what_is_written_is_typed(database: Database) -> None:
    """A row that the session has not flushed is found, and a time comes back as the time that it is."""
    at = now()
    with database.write() as session:
        session.add(AgentRow(name="access", first_seen_at=at))
        assert prebuilt.rows(session, _FOUND, id="access").one() == ("access", None)
        assert prebuilt.rows(session, _RETIRE, id="access", retired_at=at).scalar_one_or_none() == "access"
        assert prebuilt.rows(session, _RETIRE, id="other", retired_at=at).scalar_one_or_none() is None
        assert prebuilt.rows(session, _FOUND, id="access").one() == ("access", at)


def test_a_row_is_inserted_once_and_then_updated(database: Database) -> None:
    """An insertion leaves the row that is there; an upsert changes it, unless its condition does not hold."""
    first, later = now(), now()
    with database.write() as session:
        assert db.insert_new(session, BoundedAccount, account="acc-maya") is not None
        assert db.insert_new(session, BoundedAccount, account="acc-maya") is None
        assert db.upsert(session, AgentRow, name="access", first_seen_at=first)
        assert db.upsert(session, AgentRow, name="access", first_seen_at=first, retired_at=later)
        assert not db.upsert(session, AgentRow, AgentRow.retired_at.is_(None), name="access", first_seen_at=later)
        assert prebuilt.rows(session, _FOUND, id="access").one() == ("access", later)

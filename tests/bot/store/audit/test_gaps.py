"""Acts without a record and records without an act: `bot.store.audit.gaps`."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, text

from bot.store import schema as s
from bot.store.audit import gaps
from bot.store.audit.gaps import GapKind
from bot.store.db import Database
from tests.support.kept_books import LONG_AGO, keep_books


def kinds(database: Database, **more: Any) -> set[GapKind]:
    """Return the kinds of gaps that are found."""
    with database.read() as session:
        return {one.kind for one in gaps.find(session, **{"at": s.now() + gaps.GRACE * 2, **more})}


def test_books_in_which_nothing_is_missing_have_no_gap(database: Database) -> None:
    """Each act with its record, each record with its act, and a handoff that was claimed twice with both claims."""
    with database.write() as session:
        keep_books(session)
    assert kinds(database) == set()


@pytest.mark.parametrize(
    ("left_out", "found"),
    [
        ("account_writes", {GapKind.CHANGE_UNBOOKED, GapKind.OUTCOME_WITHOUT_EFFECT}),
        ("tool.intended", {GapKind.WRITE_UNINTENDED, GapKind.OUTCOME_UNINTENDED}),
        ("tool.finished", {GapKind.INTENT_OPEN}),
        ("ledger", {GapKind.CALL_UNPAID}),
        ("settlement", {GapKind.CALL_UNSETTLED}),
        ("approval.approved", {GapKind.APPROVAL_UNRECORDED}),
        ("approval_moves", {GapKind.APPROVAL_UNDONE}),
        ("handoff.claimed", {GapKind.HANDOFF_UNRECORDED}),
        ("second claimed", {GapKind.HANDOFF_UNRECORDED}),
        ("handoff_moves", {GapKind.HANDOFF_UNDONE}),
        ("reply", {GapKind.ANSWER_UNSAID}),
        ("card", {GapKind.HANDOFF_UNSHOWN}),
        ("end", {GapKind.MESSAGE_UNEXPLAINED}),
        ("outcome", {GapKind.MESSAGE_UNEXPLAINED}),
    ],
)
def test_one_row_that_is_missing_is_found(database: Database, left_out: str, found: set[GapKind]) -> None:
    """Whichever it is, by the rows that should have been its partners."""
    with database.write() as session:
        keep_books(session, left_out)
    assert kinds(database) == found
    with database.read() as session:
        [first, *_] = gaps.find(session, at=s.now() + gaps.GRACE * 2)
    assert first.ticket_id in (1, None)
    assert kinds(database, since=s.now() + timedelta(hours=1)) == set()


def test_an_answer_whose_turn_was_removed_from_a_copy_is_found(database: Database) -> None:
    """Whoever has the file can remove a row on which others hang: foreign keys do not hold them back."""
    with database.write() as session:
        keep_books(session)
    with database.read() as session:
        postgres = session.get_bind().dialect.name == "postgresql"
        off = "SET LOCAL session_replication_role = replica" if postgres else "PRAGMA defer_foreign_keys = ON"
        session.execute(text(off))
        session.execute(delete(s.Turn))
        found = gaps.find(session, at=s.now() + gaps.GRACE * 2)
        session.rollback()
    assert [(one.kind, one.what) for one in found] == [(GapKind.MESSAGE_UNEXPLAINED, "messages reply:turn:1")]


def test_each_change_of_a_call_is_looked_for(database: Database) -> None:
    """A reset removes factor by factor, each under the key of its call: with no write of that call, both are gaps."""
    with database.write() as session:
        keep_books(session)
        changed = {"account_id": "acc-maya", "action": "reset_factor", "before": "totp", "after": "", "at": LONG_AGO}
        for key in ("turn:1:11:totp", "turn:11:1:totp", "turn:1:2", "approval:1:owner"):
            session.add(s.DirectoryWrite(key=key, **changed))
    with database.read() as session:
        found = gaps.find(session, at=s.now() + gaps.GRACE * 2)
    missing = ["directory_writes turn:11:1:totp", "directory_writes turn:1:11:totp", "directory_writes turn:1:2"]
    assert sorted((one.kind, one.what) for one in found) == [(GapKind.CHANGE_UNBOOKED, one) for one in missing]

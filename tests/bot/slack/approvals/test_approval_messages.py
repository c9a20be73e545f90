"""What is stored to be said of an approval: `bot.slack.approvals.approval_messages`."""

from bot.principals import ProofKind
from bot.slack.approvals import approval_messages
from bot.store import members
from bot.store.approvals import approvals, proofs
from bot.store.db import Database
from bot.store.schema import Approval, Message, MessageKind
from tests.support import approval_rows
from tests.support.factories import rows
from tests.support.workspace_names import QUEUE


def told(database: Database, approval: Approval) -> dict[str, Message]:
    """Post about an approval, and return every message by its kind."""
    with database.write() as session:
        approval_messages.opened(session, approval, queue_channel=QUEUE)
    return stored(database)


def stored(database: Database) -> dict[str, Message]:
    """Return every message by its kind."""
    return {row.kind: row for row in rows(database, Message)}


def shown_again(database: Database, approval_id: int) -> dict[str, Message]:
    """Say what the rows say now, and return every message by its kind."""
    with database.write() as session:
        approval = approvals.find(session, approval_id)
        assert approval is not None
        approval_messages.show(session, approval)
    return stored(database)


def test_an_approval_is_told_to_both_sides_once(database: Database) -> None:
    """The card goes to the queue channel, the notice to the requester's thread; to open it again posts nothing new."""
    approval = approval_rows.opened(database)
    first = told(database, approval)
    assert {kind: row.channel for kind, row in first.items()} == {"approval": QUEUE, "notice": "C0HELP"}
    assert first["notice"].bot_voice
    again = told(database, approval)
    assert {row.key: row.revision for row in again.values()} == {row.key: 1 for row in first.values()}


def test_a_move_changes_what_was_posted_and_posts_nothing_beside_it(database: Database) -> None:
    """Card and notice are revised by each move, and only by a move."""
    approval = approval_rows.asked(database)
    first = told(database, approval)
    assert {row.revision for row in shown_again(database, approval.id).values()} == {1}
    with database.write() as session:
        approvals.deny(session, approval.id, by="U0PRIYA", reason="Come to the desk.")
    after = shown_again(database, approval.id)
    assert {row.key: row.revision for row in after.values()} == {row.key: 2 for row in first.values()}
    assert "<@U0PRIYA> denied it" in after["approval"].body["text"] + str(after["approval"].body["blocks"])
    assert "> Come to the desk." in after["notice"].body["text"]


def test_a_manager_is_asked_directly_in_their_language(database: Database) -> None:
    """The question goes to them alone, and loses its buttons when they have answered."""
    approval = approval_rows.opened(database)
    with database.write() as session:
        members.store_locale(session, "U0MINA", "de-DE")
    proof = approval_rows.proof_asked(database, approval.id, asked_of="U0MINA")
    asked = told(database, approval)[MessageKind.PROOF]
    assert (asked.channel, asked.key) == ("U0MINA", f"question:proof:{proof.id}")
    assert "Ist sie es wirklich?" in asked.body["text"]
    assert "proof.confirm" in str(asked.body)
    with database.write() as session:
        proofs.give(session, proof.id, by="U0MINA")
    after = shown_again(database, approval.id)[MessageKind.PROOF]
    assert (after.id, after.revision) == (asked.id, 2)
    assert "proof.confirm" not in str(after.body)


def test_nobody_else_is_asked_directly(database: Database) -> None:
    """A factor and a call back are no message to anybody."""
    approval = approval_rows.opened(database)
    approval_rows.proof_asked(database, approval.id, ProofKind.REMAINING_FACTOR, asked_of="push", number="42")
    said = told(database, approval)
    assert MessageKind.PROOF not in said
    assert "*42*" in said["notice"].body["text"]

"""Each move of an approval with what is said of it: `bot.casework.approvals`."""

from collections.abc import Callable

import pytest

from bot.casework import approvals as casework
from bot.principals import ProofKind, SecondStep
from bot.slack.approvals import approval_messages
from bot.store.approvals import approvals
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.approvals.proofs import ProofMoved
from bot.store.db import Database, Session
from bot.store.schema import Approval, AuditRow, Message, Proof, Turn, WithdrawCause, now
from tests.support import approval_rows
from tests.support.factories import put, rows
from tests.support.workspace_names import QUEUE

Moves = Callable[[Session, int], ApprovalMoved | ApprovalNotMoved]


def posted(database: Database, approval: Approval) -> Approval:
    """Post about an approval whose turn waits."""
    put(database, Turn, approval.turn_id, suspended_at=now(), state="waiting")
    with database.write() as session:
        casework.opened(session, approval.id, queue_channel=QUEUE, link="https://acme.slack.com/archives/C1/p1")
    return approval


def said(database: Database, key: str) -> str:
    """Return what the message with a key shows now."""
    [row] = [one for one in rows(database, Message) if one.key == key]
    return str(row.body)


def waits(database: Database) -> bool:
    """Return whether the turn still waits."""
    [turn] = rows(database, Turn)
    return turn.suspended


@pytest.mark.parametrize(
    ("move", "card", "notice"),
    [
        (
            lambda session, one: casework.approve(session, one, by="U0PRIYA", second_step="none"),
            "<@U0PRIYA> approved it",
            "and I am going on with it",
        ),
        (lambda session, one: casework.deny(session, one, by="U0PRIYA", reason="No."), "denied it", "> No."),
        (
            lambda session, one: casework.withdraw(session, one, by="U0BEN", cause=WithdrawCause.TAKEN),
            "<@U0BEN> took the ticket",
            "A person has your request now",
        ),
    ],
)
def test_a_move_is_said_on_both_sides_and_lets_the_turn_go_on(
    database: Database, move: Moves, card: str, notice: str
) -> None:
    """In one transaction; the turn is told, so that its caller queues it. A second move says nothing."""
    approval = posted(database, approval_rows.asked(database, second_step=SecondStep.NONE))
    with database.write() as session:
        moved = move(session, approval.id)
    assert casework.goes_on(moved) == approval.turn_id
    assert not waits(database)
    assert card in said(database, approval_messages.card_key(approval.id))
    assert "Their thread" in said(database, approval_messages.card_key(approval.id))
    assert notice in said(database, approval_messages.notice_key(approval.id))
    shown = [(row.key, row.revision) for row in rows(database, Message)]
    with database.write() as session:
        late = casework.deny(session, approval.id, by="U0BEN", reason="Too late.")
        casework.refresh(session, approval.id)
    assert casework.goes_on(late) is None
    assert [(row.key, row.revision) for row in rows(database, Message)] == shown


def test_the_end_of_time_is_said_as_its_own_end(database: Database) -> None:
    """Not before it is up; then neither side reads that anybody refused, and the turn goes on."""
    approval = posted(database, approval_rows.asked(database))
    with database.write() as session:
        assert isinstance(casework.expire(session, approval.id), ApprovalNotMoved)
    assert waits(database)
    approval_rows.time_is_up(database, approval.id)
    with database.write() as session:
        assert casework.goes_on(casework.expire(session, approval.id)) == approval.turn_id
    assert "Nobody decided it in time" in said(database, approval_messages.card_key(approval.id))
    assert "That is no refusal" in said(database, approval_messages.notice_key(approval.id))


def test_the_first_of_two_lets_nothing_go_on(database: Database) -> None:
    """The card says that another person must, and the turn waits."""
    approval = posted(database, approval_rows.asked(database, second_step=SecondStep.TWO_PEOPLE))
    with database.write() as session:
        assert casework.goes_on(casework.approve(session, approval.id, by="U0PRIYA", second_step="two")) is None
    assert waits(database)
    assert "another person has to" in said(database, approval_messages.card_key(approval.id))


def test_a_proof_is_asked_given_and_said(database: Database) -> None:
    """From the question to the card with buttons, each step says what is waited for next."""
    approval = posted(database, approval_rows.opened(database))
    card, notice = approval_messages.card_key(approval.id), approval_messages.notice_key(approval.id)
    with database.write() as session:
        proof = casework.ask_proof(
            session, approval.id, ProofKind.REMAINING_FACTOR, asked_of="push", minutes=10, number="42"
        )
        assert proof is not None
        assert casework.ask_proof(session, approval.id, ProofKind.CALL_BACK, asked_of=None, minutes=10) is None
    assert "*42*" in said(database, notice)
    with database.write() as session:
        assert isinstance(casework.proof_expired(session, proof.id, unanswerable=True), ProofMoved)
    assert "*42*" not in said(database, notice)
    with database.write() as session:
        called = casework.ask_proof(session, approval.id, ProofKind.CALL_BACK, asked_of=None, minutes=10)
        assert called is not None
    assert "approval.called_back" in said(database, card)
    with database.write() as session:
        assert isinstance(casework.proved(session, called.id, by="U0BEN", words="I know them."), ProofMoved)
    assert "approval.approve" in said(database, card)
    assert "I know them." in said(database, card)
    assert [proof.state for proof in rows(database, Proof)] == ["expired", "given"]
    assert waits(database)


def test_a_click_that_comes_too_late_is_audited(database: Database) -> None:
    """With what it wanted and how the approval is; the sentence says who did what."""
    approval = posted(database, approval_rows.approved(database))
    with database.write() as session:
        late = casework.press_too_late(
            session, approvals.read_again(session, approval.id), "U0BEN", act="approval.deny"
        )
    assert late.startswith("This is over: <@U0PRIYA> approved it")
    audited = rows(database, AuditRow)[-1]
    assert (audited.event, audited.actor, audited.record["why"]) == ("approval.refused", "U0BEN", "it is approved")

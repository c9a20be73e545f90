"""The moves of an approval: `bot.store.approvals.approvals`."""

from dataclasses import fields, replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bot.principals import SecondStep
from bot.store.approvals import approvals, proofs, waiting
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.approvals.approvals import ApprovedCall
from bot.store.db import Database
from bot.store.schema import (
    Approval,
    ApprovalEvidence,
    ApprovalMove,
    ApprovalMoveKind,
    ApprovalState,
    AuditRow,
    WithdrawCause,
    now,
)
from bot.store.tickets import turns
from tests.support.approval_rows import (
    ASKER,
    BEN,
    PRIYA,
    REQUEST,
    approved,
    asked,
    call_of,
    opened,
    proof_asked,
    time_is_up,
)
from tests.support.factories import at_once, everything, put, rows

MOVES = ("prove", "approve", "deny", "expire", "withdraw", "use")
DRAWN = {
    ApprovalState.PROVING: {"prove": ApprovalState.ASKED, "withdraw": ApprovalState.WITHDRAWN},
    ApprovalState.ASKED: {
        "approve": ApprovalState.APPROVED,
        "deny": ApprovalState.DENIED,
        "withdraw": ApprovalState.WITHDRAWN,
    },
    ApprovalState.APPROVED: {"use": ApprovalState.USED, "withdraw": ApprovalState.WITHDRAWN},
    ApprovalState.USED: {},
    ApprovalState.DENIED: {},
    ApprovalState.EXPIRED: {},
    ApprovalState.WITHDRAWN: {},
}
"The drawing at the head of the module, while the time of an approval is not up."


def move(database: Database, approval: Approval, name: str) -> ApprovalMoved | ApprovalNotMoved:
    """Make a move of an approval."""
    with database.write() as session:
        match name:
            case "prove":
                return approvals.prove(session, approval.id, by=BEN)
            case "approve":
                return approvals.approve(session, approval.id, by=PRIYA, second_step="code")
            case "deny":
                return approvals.deny(session, approval.id, by=PRIYA, reason="She did not call.")
            case "expire":
                return approvals.expire(session, approval.id)
            case "withdraw":
                return approvals.withdraw(session, approval.id, by="operator", cause=WithdrawCause.SUSPENDED)
            case _:
                return approvals.use(session, approval.id, call_of(approval.turn_id))


def must(moved: ApprovalMoved | ApprovalNotMoved) -> Approval:
    """Return the approval that was moved."""
    assert isinstance(moved, ApprovalMoved)
    return moved.approval


def in_state(database: Database, state: ApprovalState) -> Approval:
    """Return an approval that has been brought into a state, with a proof that was given."""
    found = opened(database, second_step=SecondStep.NONE)
    proof = proof_asked(database, found.id)
    with database.write() as session:
        proofs.give(session, proof.id, by=BEN)
    put(database, Approval, found.id, state=state, expires_at=now() + timedelta(minutes=30))
    return found


def test_what_is_opened_is_all_there_and_in_the_audit_log(database: Database) -> None:
    """The call and what approvers are asked, field by field; the audit record holds hashes and ids, and no words."""
    found = opened(database)
    [row] = rows(database, Approval)
    assert {one.name: getattr(row, one.name) for one in fields(ApprovedCall)} == {
        one.name: getattr(call_of(found.turn_id), one.name) for one in fields(ApprovedCall)
    }
    assert (row.arguments, tuple(row.plan), row.evidence) == (REQUEST.arguments, REQUEST.plan, REQUEST.evidence)
    assert (row.state, row.asked_at, row.expires_at) == (ApprovalState.PROVING, None, None)
    assert (row.requester, row.team, row.second_step, row.withheld) == (ASKER, "T1", SecondStep.CODE, False)
    [audited] = rows(database, AuditRow)
    assert (audited.event, audited.actor, audited.subject) == ("approval.opened", "agent:access@1f3c9a20", ASKER)
    assert audited.record["arguments_sha256"] == "a" * 64
    assert not any("authenticator" in str(value) for value in audited.record.values())
    with database.write() as session:
        approvals.shown(session, found.id, link="https://example.com/p1", withheld=True)
    [row] = rows(database, Approval)
    assert (row.link, row.withheld) == ("https://example.com/p1", True)


def test_what_needs_no_proof_is_asked_at_once(database: Database) -> None:
    """Its time runs from then."""
    asked(database, expires_minutes=5)
    [row] = rows(database, Approval)
    assert row.state is ApprovalState.ASKED
    assert row.asked_at is not None
    assert row.expires_at == row.asked_at + timedelta(minutes=5)


@pytest.mark.parametrize(("state", "name"), [*product(ApprovalState, MOVES)])
def test_only_drawn_moves_are_made(sqlite: Database, state: ApprovalState, name: str) -> None:
    """Every other one changes nothing in any table, and says how the approval is."""
    found, before = in_state(sqlite, state), everything(sqlite)
    moved = move(sqlite, found, name)
    if name in DRAWN[state]:
        assert must(moved).state is DRAWN[state][name]
    else:
        assert isinstance(moved, ApprovalNotMoved)
        assert moved.state is state
        assert everything(sqlite) == before


@pytest.mark.parametrize(("state", "name"), [*product(ApprovalState, MOVES)])
def test_when_the_time_is_up_only_its_end_is_possible(sqlite: Database, state: ApprovalState, name: str) -> None:
    """Nothing is approved, denied or used after that, whether or not a clock has looked."""
    found = in_state(sqlite, state)
    time_is_up(sqlite, found.id)
    moved = move(sqlite, found, name)
    timed = {ApprovalState.ASKED, ApprovalState.APPROVED}
    over = name == "expire" and state in timed
    voided = name == "withdraw" and state in approvals.ACTIVE
    proved = name == "prove" and state is ApprovalState.PROVING
    assert isinstance(moved, ApprovalMoved) is (over or voided or proved)


def test_each_move_is_in_history_and_audit_with_who_made_it(database: Database) -> None:
    """From the request for a proof to the call, once each, in order."""
    found = opened(database)
    proof = proof_asked(database, found.id)
    with database.write() as session:
        proofs.give(session, proof.id, by=BEN, words="Yes, she called me.")
    for name in ("prove", "approve", "use"):
        must(move(database, found, name))
    kinds = ApprovalMoveKind
    trail = [(one.what, one.actor) for one in rows(database, ApprovalMove)]
    assert trail == [
        (kinds.OPENED, "agent:access@1f3c9a20"),
        (kinds.PROOF_ASKED, "clock"),
        (kinds.PROOF_GIVEN, BEN),
        (kinds.ASKED, BEN),
        (kinds.APPROVED, PRIYA),
        (kinds.USED, "agent:access@1f3c9a20"),
    ]
    assert [(row.event, row.actor) for row in rows(database, AuditRow)] == [
        (f"approval.{what}", who) for what, who in trail
    ]
    [row] = rows(database, Approval)
    assert (row.decided_by, row.second_step_given) == (PRIYA, "code")
    assert row.used_at is not None
    with database.read() as session:
        assert [one.what for one in approvals.history(session, found.id)] == [what for what, _ in trail]


def test_approvers_are_asked_only_after_a_proof(database: Database) -> None:
    """A proof that is asked for, refused or expired is none."""
    found = opened(database)
    assert isinstance(move(database, found, "prove"), ApprovalNotMoved)
    proof = proof_asked(database, found.id)
    assert isinstance(move(database, found, "prove"), ApprovalNotMoved)
    with database.write() as session:
        proofs.refuse(session, proof.id, by=BEN)
    assert isinstance(move(database, found, "prove"), ApprovalNotMoved)
    assert must(move(database, found, "expire")).state is ApprovalState.EXPIRED


def test_two_people_are_two(database: Database) -> None:
    """The first yes decides nothing; the same person's second yes neither; another person's does."""
    found = asked(database, second_step=SecondStep.TWO_PEOPLE)

    def yes(by: str) -> ApprovalMoved | ApprovalNotMoved:
        with database.write() as session:
            return approvals.approve(session, found.id, by=by, second_step="one of two")

    first = must(yes(PRIYA))
    assert (first.state, first.first_by, first.decided_by) == (ApprovalState.ASKED, PRIYA, None)
    again = yes(PRIYA)
    assert again == ApprovalNotMoved(ApprovalState.ASKED, PRIYA, None)
    second = must(yes(BEN))
    assert (second.state, second.first_by, second.decided_by) == (ApprovalState.APPROVED, PRIYA, BEN)
    kinds = [one.what for one in rows(database, ApprovalMove)]
    assert kinds[-2:] == [ApprovalMoveKind.SECONDED, ApprovalMoveKind.APPROVED]


@pytest.mark.parametrize("step", SecondStep)
def test_nobody_decides_about_their_own_request(sqlite: Database, step: SecondStep) -> None:
    """Even if the caller has not looked: the requester is excluded in the statement itself."""
    found = asked(sqlite, second_step=step)
    with sqlite.write() as session:
        assert isinstance(approvals.approve(session, found.id, by=ASKER, second_step="code"), ApprovalNotMoved)
        assert isinstance(approvals.deny(session, found.id, by=ASKER, reason=""), ApprovalNotMoved)
    assert rows(sqlite, Approval)[0].state is ApprovalState.ASKED


def test_a_turn_that_was_stopped_is_not_approved(database: Database) -> None:
    """An approver is not told yes for what nobody will do; what is left of it can only be withdrawn."""
    found = asked(database, second_step=SecondStep.NONE)
    with database.write() as session:
        turns.stop(session, found.ticket_id)
    for name in ("approve", "deny"):
        assert isinstance(move(database, found, name), ApprovalNotMoved)
    with database.read() as session:
        [(left, ticket)] = waiting.without_turn(session)
    assert (left.id, ticket.id) == (found.id, found.ticket_id)
    must(move(database, found, "withdraw"))
    with database.read() as session:
        assert waiting.without_turn(session) == []


OTHER: dict[str, Any] = {
    "turn_id": 99,
    "step": 3,
    "agent": "software",
    "release": "access@2",
    "tool": "unlock_my_account",
    "arguments_sha256": "d" * 64,
    "policy_sha256": "d" * 64,
    "account_id": None,
    "account_version": "d" * 64,
}


def test_other_covers_every_field_of_a_call() -> None:
    """A field that is added to a call is compared as well."""
    assert set(OTHER) == {one.name for one in fields(ApprovedCall)}


@pytest.mark.parametrize(("name", "value"), [*OTHER.items()])
def test_a_call_that_differs_in_anything_is_not_the_approved_one(sqlite: Database, name: str, value: Any) -> None:
    """It is refused and uses nothing up; the call that was approved still can."""
    found = approved(sqlite)
    call = call_of(found.turn_id)
    with sqlite.write() as session:
        assert isinstance(approvals.use(session, found.id, replace(call, **{name: value})), ApprovalNotMoved)
    assert rows(sqlite, Approval)[0].state is ApprovalState.APPROVED
    with sqlite.write() as session:
        must(approvals.use(session, found.id, call))
        assert isinstance(approvals.use(session, found.id, call), ApprovalNotMoved)


def test_a_yes_is_for_now(database: Database) -> None:
    """What is not begun soon after a yes expires, and the row still says who approved it."""
    found = approved(database)
    [row] = rows(database, Approval)
    assert row.decided_at is not None
    assert row.expires_at == row.decided_at + approvals.USE_WITHIN
    time_is_up(database, found.id)
    assert isinstance(move(database, found, "use"), ApprovalNotMoved)
    assert must(move(database, found, "expire")).decided_by == PRIYA


def test_a_ticket_has_one_active_approval_and_a_step_one_in_all(database: Database) -> None:
    """The database itself refuses another; once one has ended, another step may have its own."""
    found = asked(database)

    def open_again(step: int) -> None:
        with database.write() as session:
            approvals.open_for(session, found.ticket_id, call_of(found.turn_id, step=step), REQUEST, intent_id=2)

    with pytest.raises(IntegrityError):
        open_again(3)
    must(move(database, found, "deny"))
    with pytest.raises(IntegrityError):
        open_again(2)
    open_again(3)
    with database.read() as session:
        second = approvals.of_step(session, found.turn_id, 3)
        assert second is not None
        assert approvals.active_of(session, found.ticket_id) is second
        assert approvals.of_step(session, found.turn_id, 4) is None


def test_a_refused_act_is_audited_whether_there_is_such_an_approval_or_not(database: Database) -> None:
    """With who tried what and why not; there is nothing to move about an approval that never was."""
    found = asked(database)
    with database.write() as session:
        approvals.refuse(session, found.id, ASKER, act="approve", why="own request")
        approvals.refuse(session, 99, ASKER, act="approve", why="forged")
    *_, first, forged = rows(database, AuditRow)
    assert (first.event, first.actor, first.ticket_id) == ("approval.refused", ASKER, found.ticket_id)
    assert (forged.ticket_id, forged.record["why"]) == (None, "forged")
    found.id = 100
    for name in MOVES:
        assert move(database, found, name) == ApprovalNotMoved(None, None, None)


def test_of_two_who_decide_at_once_one_does(postgres: Database) -> None:
    """In each round the row says what its winner was told, and the other is told who and when."""
    for number in range(20):
        found = asked(postgres, second_step=SecondStep.NONE) if number == 0 else again(postgres)

        def decide(who: int, approval: Approval = found) -> ApprovalMoved | ApprovalNotMoved:
            return move(postgres, approval, "approve" if who else "deny")

        given = at_once(2, decide)
        [won] = [one for one in given if isinstance(one, ApprovalMoved)]
        [lost] = [one for one in given if isinstance(one, ApprovalNotMoved)]
        assert (lost.state, lost.by, lost.at) == (won.approval.state, PRIYA, won.approval.decided_at)


def again(database: Database) -> Approval:
    """Open the approval that there is once more, as if nothing had been decided."""
    [row] = rows(database, Approval)
    put(database, Approval, row.id, state=ApprovalState.ASKED, decided_at=None, decided_by=None)
    put(database, Approval, row.id, expires_at=now() + timedelta(minutes=30))
    return row


def test_two_approvers_at_once_are_first_and_second(postgres: Database) -> None:
    """Whichever is first: one seconds, the other approves, and nobody is told that they came too late."""
    for number in range(20):
        found = asked(postgres, second_step=SecondStep.TWO_PEOPLE) if number == 0 else again(postgres)
        put(postgres, Approval, found.id, first_by=None)

        def yes(who: int, approval: Approval = found) -> ApprovalMoved | ApprovalNotMoved:
            with postgres.write() as session:
                return approvals.approve(session, approval.id, by=(PRIYA, BEN)[who], second_step="one of two")

        states = [must(one).state for one in at_once(2, yes)]
        assert sorted(states) == [ApprovalState.APPROVED, ApprovalState.ASKED]
        [row] = rows(postgres, Approval)
        assert {row.first_by, row.decided_by} == {PRIYA, BEN}


def test_evidence_of_another_build_can_be_read() -> None:
    """What it did not know has its default, and what this one does not know is left out."""
    assert ApprovalEvidence.from_json({"status": "active", "shoe_size": 43}) == ApprovalEvidence("active")
    assert ApprovalEvidence.from_json(REQUEST.evidence.to_json()) == REQUEST.evidence

"""An approval from the request to its end, through a worker and the clock: `jobs.approvals`, `jobs.turn`.

The directory's own phone answers, approvers decide by the functions that their clicks call, and the model is a script.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.casework import approvals as casework
from bot.directory.local import LocalDirectory
from bot.errors import DirectoryDown
from bot.principals import Account, ProofKind, Reason
from bot.queue import RUN_TURN
from bot.store.approvals import approvals, proofs
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.installation import agents as principals
from bot.store.schema import (
    AccountRow,
    Approval,
    ApprovalState,
    Proof,
    ProofState,
    TurnOutcome,
    TurnState,
    WithdrawCause,
    now,
)
from bot.store.tickets import turns
from bot.telemetry import attributes as named
from bot.telemetry import spans
from bot.telemetry.spans import SpanRecord, Tracing
from bot.telemetry.trace_ids import TraceIds
from jobs import approvals as rounds
from jobs import proof_questions
from tests.support.approval_plays import resetter
from tests.support.factories import put, rows
from tests.support.product_harness import Place, change_card
from tests.support.thread_steps import change_message
from tests.support.workspace_names import BOT, HELP

LENA, MAYA, FINN = "U0LENA", "U0MAYA", "U0FINN"
TERMS = {"proof": ["remaining_factor", "manager", "call_back"], "second_step": "none"}


@pytest.fixture
def config(config: Path) -> Path:
    """Let a reset be approved, whatever the delivered card says of it."""

    def change(card: dict[str, object]) -> None:
        card["approvals"] = {"reset_second_factor": TERMS}
        handoff = card["handoff"]
        assert isinstance(handoff, dict)
        handoff["approvers"] = ["U0PRIYA", "U0BEN"]

    change_card(config, change)
    return config


def waits(place: Place, user: str) -> tuple[Approval, Proof]:
    """Let somebody ask for a reset, and return what is waited for then."""
    place.change_desk(call_model=resetter)
    place.asks_anew(user, f"<@{BOT}> I lost my phone. Please reset my second factor.")
    turn = place.last_turn()
    assert (turn.state, turn.suspended) == (TurnState.WAITING, True)
    [*_, approval], [*_, proof] = rows(place.ctx.database, Approval), rows(place.ctx.database, Proof)
    assert (approval.state, proof.state) == (ApprovalState.PROVING, ProofState.ASKED)
    return approval, proof


def looks(place: Place) -> Approval:
    """Let the clock look and the worker work; return the newest approval."""
    rounds.look(place.ctx)
    place.work()
    return rows(place.ctx.database, Approval)[-1]


def approves(place: Place, approval: Approval) -> None:
    """Let an approver say yes and the turn be queued, as their click does."""
    with place.ctx.database.write() as session:
        moved = casework.approve(session, approval.id, by="U0PRIYA", second_step="none")
    assert isinstance(moved, ApprovalMoved)
    place.ctx.queue.put(RUN_TURN, approval.turn_id)


def passes(place: Place, proof: Proof) -> None:
    """Let the time for a proof pass."""
    put(place.ctx.database, Proof, proof.id, expires_at=now() - timedelta(seconds=1))


def test_a_factor_that_is_left_proves_it_and_the_agent_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The challenge is sent once; the right number asks the approvers; after the yes all is done and said.

    The turn's trace says how long it waited for people.
    """
    made: list[SpanRecord] = []
    approval, proof = waits(place, LENA)
    directory, account = LocalDirectory(place.ctx.database), "acc-lena"
    assert (proof.kind, proof.asked_of) == (ProofKind.REMAINING_FACTOR, "security_key")
    looks(place)
    [challenge] = directory.challenges_of(account)
    directory.answer_challenge(account, challenge.key, typed=str(proof.number))
    assert looks(place).state is ApprovalState.ASKED
    approves(place, approval)
    monkeypatch.setattr(spans, "_SWITCH", spans._Switch(Tracing(TraceIds.of("xoxb-test", "deskhand:1:"), made.append)))
    assert looks(place).state is ApprovalState.USED
    assert (place.last_turn().outcome, place.last_turn().waited_seconds > 0) == (TurnOutcome.REPLY, True)
    [root] = [one for one in made if one.parent_id is None]
    assert root.attributes[named.APPROVAL_WAIT_MS] == round(place.last_turn().waited_seconds * 1000)
    found = directory.account(account)
    assert found is not None
    assert found.factors == ("security_key",)
    assert ("acc-lena", "revoke_sessions") in place.writes()


def test_the_next_proof_is_asked_for_when_nobody_answers_and_in_the_end_a_person_has_it(place: Place) -> None:
    """Maya has no factor but on her phone: first her manager, then a call back; after that nobody is asked."""
    _, manager = waits(place, MAYA)
    assert (manager.kind, manager.asked_of, manager.manager) == (ProofKind.MANAGER, "U0OLIVIA", "acc-olivia")
    passes(place, manager)
    looks(place)
    [_, call_back] = rows(place.ctx.database, Proof)
    assert (call_back.kind, call_back.asked_of) == (ProofKind.CALL_BACK, None)
    passes(place, call_back)
    ended = looks(place)
    assert (ended.state, ended.asked_at) == (ApprovalState.EXPIRED, None)
    assert (place.last_turn().outcome, place.last_handoff().reason) == (TurnOutcome.HANDOFF, Reason.OUT_OF_POLICY)
    assert "Nobody was asked to approve it." in place.last_handoff().summary


def test_a_push_that_nobody_answers_is_followed_by_the_next_proof(place: Place) -> None:
    """The requester and responders read what is waited for now; an answer that comes after all proves nothing."""
    approval, push = waits(place, LENA)
    directory = LocalDirectory(place.ctx.database)
    [challenge] = directory.challenges_of("acc-lena")
    passes(place, push)
    looks(place)
    first, second = rows(place.ctx.database, Proof)
    assert (first.state, second.kind, second.state) == (ProofState.EXPIRED, ProofKind.MANAGER, ProofState.ASKED)
    place.front.work()
    assert "their manager, <@U0OLIVIA>, is asked" in str(place.queue())
    directory.answer_challenge("acc-lena", challenge.key, typed=str(push.number))
    assert looks(place).state is ApprovalState.PROVING
    with place.ctx.database.read() as session:
        late = approvals.find(session, approval.id)
    assert late is not None
    assert (late.asked_at, place.last_turn().suspended) == (None, True)


def test_who_is_their_own_manager_is_not_asked(place: Place) -> None:
    """The directory may say so: then a colleague calls them."""
    with place.ctx.database.write() as session:
        maya = session.get_one(AccountRow, "acc-maya")
        maya.manager, maya.slack_user = "acc-maya", MAYA
    _, proof = waits(place, MAYA)
    assert (proof.kind, proof.asked_of) == (ProofKind.CALL_BACK, None)


def test_who_says_that_it_was_not_they_ends_it(place: Place) -> None:
    """A no on the device voids the approval, and the person who gets the ticket reads that."""
    waits(place, LENA)
    directory = LocalDirectory(place.ctx.database)
    [challenge] = directory.challenges_of("acc-lena")
    directory.refuse_challenge("acc-lena", challenge.key)
    ended = looks(place)
    assert (ended.state, ended.cause) == (ApprovalState.WITHDRAWN, WithdrawCause.REFUSED_PROOF)
    assert "was not the requester" in place.last_handoff().summary
    assert place.last_handoff().reason == Reason.OUT_OF_POLICY
    assert [done for account, done in place.writes() if account == "acc-lena"] == ["challenge"]


def test_what_nobody_waits_for_any_more_is_withdrawn(place: Place) -> None:
    """A turn that was stopped, and a suspended agent: the clock voids the approval, and no turn is left hanging."""
    approval, _ = waits(place, FINN)
    with place.ctx.database.write() as session:
        turns.stop(session, approval.ticket_id)
    assert looks(place).cause is WithdrawCause.TAKEN_BACK
    waits(place, MAYA)
    with place.ctx.database.write() as session:
        principals.suspend(session, "access", cause="wrong answers", by="operator")
    assert looks(place).cause is WithdrawCause.SUSPENDED
    assert place.last_handoff().reason == Reason.AGENT_SUSPENDED


@pytest.mark.parametrize(
    ("happens", "cause", "card"),
    [
        ("a person steps in", WithdrawCause.TAKEN, "A person took the ticket"),
        ("it is deleted", WithdrawCause.DELETED, "The requester deleted the request"),
    ],
)
def test_what_was_taken_over_or_deleted_is_withdrawn_and_nobody_can_approve_it(
    place: Place, happens: str, cause: WithdrawCause, card: str
) -> None:
    """A yes that comes later counts for nothing; the row has the cause, the card says it, and nothing is done."""
    place.change_desk(call_model=resetter)
    ts = place.asks(FINN, f"<@{BOT}> I lost my phone. Please reset my second factor.")
    [approval], [proof] = rows(place.ctx.database, Approval), rows(place.ctx.database, Proof)
    with place.ctx.database.write() as session:
        casework.proved(session, proof.id, by="U0BEN")
    if cause is WithdrawCause.TAKEN:
        place.front.say("U0BEN", HELP, "I have this one, Finn.", thread_ts=ts)
    else:
        change_message(place.front, FINN, HELP, ts, None)
    assert rows(place.ctx.database, Approval)[0].state is ApprovalState.ASKED
    with place.ctx.database.write() as session:
        late = casework.approve(session, approval.id, by="U0PRIYA", second_step="none")
    assert isinstance(late, ApprovalNotMoved)
    ended = looks(place)
    assert (ended.state, ended.cause) == (ApprovalState.WITHDRAWN, cause)
    place.front.work()
    assert card in json.dumps([one["blocks"] for one in place.queue() if "withdrawn" in one["text"]])
    assert (place.writes(), place.front.jobs(RUN_TURN)) == ([], [])


def test_while_the_directory_is_down_proofs_wait_and_then_one_is_asked_that_needs_none(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only it knows is tried for two minutes; then a call back is asked for, and the log says what was left out.

    When the directory is back, what was left out can still be asked for.
    """
    reads, down = LocalDirectory.account, [True]

    def account(self: LocalDirectory, account_id: str) -> Account | None:
        if down and rows(place.ctx.database, Approval):
            raise DirectoryDown("no answer")
        return reads(self, account_id)

    monkeypatch.setattr(LocalDirectory, "account", account)
    place.change_desk(call_model=resetter)
    place.asks_anew(MAYA, f"<@{BOT}> I lost my phone. Please reset my second factor.")
    for _ in range(2):
        looks(place)
    [approval] = rows(place.ctx.database, Approval)
    assert (approval.state, rows(place.ctx.database, Proof)) == (ApprovalState.PROVING, [])
    put(place.ctx.database, Approval, approval.id, created_at=now() - proof_questions.PATIENCE)
    with capture_logs() as said:
        looks(place)
    assert [one["kind"] for one in said if one["event"] == "proof.left_out"] == ["remaining_factor", "manager"]
    assert [one.kind for one in rows(place.ctx.database, Proof)] == [ProofKind.CALL_BACK]
    down.clear()
    passes(place, rows(place.ctx.database, Proof)[0])
    looks(place)
    assert [one.kind for one in rows(place.ctx.database, Proof)][1:] == [ProofKind.MANAGER]


def test_a_worker_that_died_before_anything_was_asked_is_made_good_by_the_clock(place: Place) -> None:
    """A suspended turn whose approval has no proof yet, and a decided one whose turn nobody let go on."""
    approval, proof = waits(place, FINN)
    assert proof.kind is ProofKind.CALL_BACK
    with place.ctx.database.write() as session:
        proofs.give(session, proof.id, by="U0BEN")
    put(place.ctx.database, Approval, approval.id, state=ApprovalState.DENIED, decided_by="U0PRIYA", reason="No.")
    looks(place)
    assert place.last_turn().outcome is TurnOutcome.HANDOFF
    assert "An approver said no." in place.last_handoff().summary

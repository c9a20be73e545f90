"""Approvals as the tests of the store open them, each in a transaction of its own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.principals import ProofKind, SecondStep
from bot.store.approvals import approvals, proofs
from bot.store.approvals.approvals import ApprovalRequest, ApprovedCall
from bot.store.db import Database
from bot.store.schema import Approval, ApprovalEvidence, Proof, now
from tests.support.factories import new_turn, put, running

ASKER, PRIYA, BEN = "U0MAYA", "U0PRIYA", "U0BEN"
LATE = timedelta(seconds=1)

CALL = ApprovedCall(
    turn_id=0,
    step=2,
    agent="access",
    release="access@1f3c9a20",
    tool="reset_second_factor",
    arguments_sha256="a" * 64,
    policy_sha256="b" * 64,
    account_id="maya",
    account_version="c" * 64,
)
REQUEST = ApprovalRequest(
    arguments={"lost": "phone"},
    plan=("Remove the authenticator app of maya@example.com.", "End all sessions."),
    evidence=ApprovalEvidence(
        "active", None, "Maya", ("totp", "push"), (("2026-11-30T09:00:00+00:00", True, "", "Berlin"),)
    ),
    second_step=SecondStep.CODE,
    expires_minutes=30,
    needs_proof=True,
)


def call_of(turn_id: int, **changes: Any) -> ApprovedCall:
    """Return the call of a turn for which the approvals here are."""
    return replace(CALL, turn_id=turn_id, **changes)


def opened(database: Database, **changes: Any) -> Approval:
    """Open an approval of a turn that runs, which waits for a proof unless it is said otherwise."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        return approvals.open_for(
            session, attempt.ticket.id, call_of(attempt.turn_id), replace(REQUEST, **changes), intent_id=1
        )


def asked(database: Database, **changes: Any) -> Approval:
    """Open an approval that approvers can decide about."""
    return opened(database, **{"needs_proof": False, **changes})


def approved(database: Database, **changes: Any) -> Approval:
    """Open an approval and approve it."""
    found = asked(database, **{"second_step": SecondStep.NONE, **changes})
    with database.write() as session:
        approvals.approve(session, found.id, by=PRIYA, second_step="none")
    return found


def proof_asked(database: Database, approval_id: int, kind: ProofKind = ProofKind.MANAGER, **more: Any) -> Proof:
    """Ask for a proof of an approval."""
    with database.write() as session:
        proof = proofs.ask(session, approval_id, kind, **{"asked_of": BEN, "minutes": 10, **more})
    assert proof is not None
    return proof


def time_is_up(database: Database, approval_id: int) -> None:
    """Let the time of an approval be over, without any clock that has looked."""
    put(database, Approval, approval_id, expires_at=now() - LATE)

"""An approval as its card, its forms and its notice show it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.principals import ProofKind, SecondStep
from bot.slack.approvals.approval_facts import ApprovalView, ProofView
from bot.store.schema import ApprovalEvidence, ApprovalState, ProofState, WithdrawCause

ASKED_AT = datetime(2026, 11, 2, 13, 5, tzinfo=UTC)
APPROVAL_LINK = "https://acme.slack.com/archives/C0HELP/p1762088700000100"
MANAGER_PROOF = ProofView(
    proof_id=8,
    kind=ProofKind.MANAGER,
    state=ProofState.ASKED,
    asked_of="U0MINA",
    number=None,
    expires_at=ASKED_AT + timedelta(minutes=10),
    answered_at=None,
    answered_by=None,
    words=None,
)
GIVEN_PROOF = replace(
    MANAGER_PROOF, state=ProofState.GIVEN, answered_at=ASKED_AT + timedelta(minutes=2), answered_by="U0MINA"
)
ASKED_APPROVAL = ApprovalView(
    approval_id=7,
    ticket_id=12,
    state=ApprovalState.ASKED,
    requester="U0SAM",
    private=False,
    release="access@1f3c9a20",
    account_id="acc-sam",
    plan=("Reset the factor totp of sam@example.com.", "End all sessions of sam@example.com."),
    evidence=ApprovalEvidence(
        status="active",
        name="Sam Okafor",
        factors=("totp", "security_key"),
        sign_ins=(("2026-11-02T09:12:00+00:00", True, "", "Berlin"), ("2026-11-02T08:00:00+00:00", False, "code", "")),
        cost_nusd=4_200_000,
        verified="The directory binds it to their Slack id.",
    ),
    link=APPROVAL_LINK,
    withheld=False,
    second_step=SecondStep.CODE,
    expires_at=ASKED_AT + timedelta(minutes=30),
    expires_minutes=30.0,
    first_by=None,
    first_at=None,
    decided_by=None,
    decided_at=None,
    reason=None,
    cause=None,
    used_at=None,
    ended_by=None,
    ended_at=None,
    proofs=(GIVEN_PROOF,),
)
_DECIDED_AT = ASKED_AT + timedelta(minutes=5)
APPROVALS = {
    "proving": replace(ASKED_APPROVAL, state=ApprovalState.PROVING, expires_at=None, proofs=(MANAGER_PROOF,)),
    "asked": ASKED_APPROVAL,
    "seconded": replace(ASKED_APPROVAL, second_step=SecondStep.TWO_PEOPLE, first_by="U0PRIYA", first_at=_DECIDED_AT),
    "approved": replace(ASKED_APPROVAL, state=ApprovalState.APPROVED, decided_by="U0PRIYA", decided_at=_DECIDED_AT),
    "used": replace(
        ASKED_APPROVAL,
        state=ApprovalState.USED,
        decided_by="U0PRIYA",
        decided_at=_DECIDED_AT,
        used_at=_DECIDED_AT + timedelta(seconds=3),
    ),
    "denied": replace(
        ASKED_APPROVAL,
        state=ApprovalState.DENIED,
        decided_by="U0PRIYA",
        decided_at=_DECIDED_AT,
        reason="Please come to the desk.",
    ),
    "expired": replace(ASKED_APPROVAL, state=ApprovalState.EXPIRED, ended_by="clock", ended_at=_DECIDED_AT),
    **{
        f"withdrawn_{cause}": replace(
            ASKED_APPROVAL, state=ApprovalState.WITHDRAWN, cause=cause, ended_by="U0BEN", ended_at=_DECIDED_AT
        )
        for cause in WithdrawCause
    },
}
"An approval in each state, and withdrawn for each cause."


def proved_by_kind(kind: ProofKind, *, state: ProofState = ProofState.ASKED) -> ApprovalView:
    """Return an approval that waits for a proof of this kind, or for which it was given."""
    asked_of = {ProofKind.REMAINING_FACTOR: "push", ProofKind.MANAGER: "U0MINA", ProofKind.CALL_BACK: None}[kind]
    number = "42" if kind is ProofKind.REMAINING_FACTOR else None
    by = {ProofKind.REMAINING_FACTOR: "directory", ProofKind.MANAGER: "U0MINA", ProofKind.CALL_BACK: "U0BEN"}[kind]
    one = replace(GIVEN_PROOF, kind=kind, state=state, asked_of=asked_of, number=number, answered_by=by)
    return replace(APPROVALS["proving" if state is ProofState.ASKED else "asked"], proofs=(one,))


def hostile_approval(view: ApprovalView, text: str) -> ApprovalView:
    """Return an approval in whose every field a person, the directory or the model has written a text."""
    evidence = ApprovalEvidence(
        status=text,
        status_reason=text,
        name=text,
        factors=(text,) * 30,
        sign_ins=((text, True, text, text), (text, False, text, text)) * 9,
        verified=text,
    )
    proofs = tuple(replace(one, words=text, number=text) for one in view.proofs)
    said: dict[str, Any] = {"plan": (text,) * 30, "account_id": text, "release": text, "reason": text}
    return replace(view, evidence=evidence, proofs=proofs, **said)

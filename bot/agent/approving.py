"""What approvers have said of a call that needs an approval, and how they are asked the first time.

Invariant: the row of the approval decides, in the transaction of the intent; nothing that the model or the caller says
does. A call that is not exactly the approved one uses nothing up, and voids the approval.
"""

from dataclasses import dataclass
from typing import assert_never

from bot.agent import door
from bot.agent.approval_terms import ApprovalTerms
from bot.agent.door import Passage
from bot.agent.redaction import redact
from bot.agent.turn_work import TurnWork
from bot.policy import Allowed, Decision, Denied, NeedsApproval, NotNeeded, PolicyRule
from bot.principals import Account, Reason, SignIn
from bot.store.approvals import approvals, approvers
from bot.store.approvals.approval_moves import ApprovalMoved
from bot.store.approvals.approvals import ApprovalRequest
from bot.store.db import Session
from bot.store.money import spending
from bot.store.schema import Approval, ApprovalEvidence, ApprovalState, Purpose, WithdrawCause

SHOWN_SIGN_INS = 5
"How many of the last sign-ins an approver is shown."
BY_DIRECTORY = "The directory itself names this Slack user as the owner of the account."
BY_ADDRESS = "The e-mail address that Slack has confirmed for this user is that of the account."
"How the requester was bound to the account, for the person who approves."


@dataclass(frozen=True, slots=True)
class SeenAccount:
    """The account and its sign-ins as they were read right before a call."""

    account: Account | None
    sign_ins: tuple[SignIn, ...]


def settle(
    session: Session, work: TurnWork, step: int, passage: Passage, account: Account | None, decision: Decision
) -> tuple[Decision, Passage]:
    """Return the decision on a call with what people have said of it, and the passage that follows from it.

    Args:
        session: the open write transaction, which has locked the ticket.
        work: the attempt that makes the call.
        step: the number of the call within the turn.
        passage: what the tool's door gave.
        account: the account as it was read right before.
        decision: the policy's decision, which knows nothing of approvals.
    """
    found = approvals.of_step(session, work.attempt.turn_id, step) if passage.tool.needs_approval else None
    if found is None:
        return decision, passage
    if isinstance(decision, Denied | NotNeeded):
        _void(session, work, found)
        return decision, passage
    match found.state:
        case ApprovalState.PROVING | ApprovalState.ASKED:
            return NeedsApproval(PolicyRule.APPROVAL_MISSING, "an approver has not decided yet"), passage
        case ApprovalState.APPROVED | ApprovalState.USED:
            redeemed = door.redeem(session, work, step, passage, account)
            if redeemed is None:
                return _not_redeemed(session, work, found), passage
            return _approved(decision, account, found), redeemed
        case ApprovalState.DENIED | ApprovalState.EXPIRED | ApprovalState.WITHDRAWN:
            return _ended(found), passage
        case _:
            assert_never(found.state)


def _approved(decision: NeedsApproval | Allowed, account: Account | None, found: Approval) -> Allowed:
    """Return that a call may run; what an earlier attempt is known to have done keeps its own rule."""
    if isinstance(decision, Allowed):
        return decision
    why = f"approval {found.id} of exactly this call"
    return Allowed(PolicyRule.APPROVED, "" if account is None else account.id, why)


def _not_redeemed(session: Session, work: TurnWork, found: Approval) -> Denied:
    """Return why an approval that was given does not allow this call: too much time has passed, or the call differs."""
    if isinstance(approvals.expire(session, found.id), ApprovalMoved):
        return _ended(found)
    _void(session, work, found)
    why = "what was approved is no longer what would be done"
    evidence = "The account, the arguments, the agent's rules or its release have changed since it was approved."
    return Denied(PolicyRule.APPROVAL_CHANGED, Reason.APPROVAL_NEEDED, why, evidence)


def _void(session: Session, work: TurnWork, found: Approval) -> None:
    """Withdraw an approval that can no longer lead to its call; one that was used stays as it is."""
    approvals.withdraw(session, found.id, by=work.actor, cause=WithdrawCause.CHANGED)


def _ended(found: Approval) -> Denied:
    """Return what the end of an approval means for its call; where it is uncertain who asks, people find that out."""
    approval_needed, check_who_asks = Reason.APPROVAL_NEEDED, Reason.OUT_OF_POLICY
    match found.state:
        case ApprovalState.DENIED:
            said = f'The reason given: "{redact(found.reason or "")}".'
            return Denied(PolicyRule.APPROVAL_DENIED, approval_needed, "an approver said no", said)
        case ApprovalState.EXPIRED if found.asked_at is None:
            said = "Nobody has shown in time that the requester is who they say."
            return Denied(PolicyRule.APPROVAL_EXPIRED, check_who_asks, "nobody was asked to approve it", said)
        case ApprovalState.EXPIRED:
            said = "The agent did nothing."
            return Denied(PolicyRule.APPROVAL_EXPIRED, approval_needed, "it was not approved in time", said)
        case _:
            said = _WITHDRAWN[found.cause or WithdrawCause.CHANGED]
            reason = check_who_asks if found.cause is WithdrawCause.REFUSED_PROOF else approval_needed
            return Denied(PolicyRule.APPROVAL_WITHDRAWN, reason, "its approval was withdrawn", said)


_WITHDRAWN = {
    WithdrawCause.DELETED: "The requester deleted the request.",
    WithdrawCause.TAKEN: "A person took the ticket.",
    WithdrawCause.SUSPENDED: "The agent was suspended.",
    WithdrawCause.CHANGED: "Something about the call has changed since approvers were asked.",
    WithdrawCause.TAKEN_BACK: "The requester took it back.",
    WithdrawCause.REFUSED_PROOF: "Somebody who was asked for proof said that it was not the requester: check who asks.",
}


def may_be_asked(work: TurnWork, tool: str) -> ApprovalTerms | None:
    """Return the terms under which a person may approve a tool's call for this requester; None: a person does it."""
    if work.runtime.purpose is not Purpose.TURN or not _eligible(work):
        return None
    return work.runtime.agent.card.approvals.get(tool)


def _eligible(work: TurnWork) -> list[str]:
    return [user for user in work.runtime.agent.card.handoff.approvers if user != work.subject.user]


def ask(
    session: Session,
    work: TurnWork,
    step: int,
    passage: Passage,
    seen: SeenAccount,
    *,
    terms: ApprovalTerms,
    intent: int,
) -> int:
    """Open the approval of a call, or return the one that is waited for already.

    Args:
        session: the open write transaction, which has written the intent.
        work: the attempt that makes the call.
        step: the number of the call within the turn.
        passage: what the tool's door gave.
        seen: the account as it was read right before.
        terms: what the card asks of the approval.
        intent: the number of the call's intent in the audit log.
    """
    found = approvals.of_step(session, work.attempt.turn_id, step)
    if found is not None:
        return found.id
    ticket, eligible = work.attempt.ticket, _eligible(work)
    left = approvals.active_of(session, ticket.id)
    if left is not None:  # of a turn that was ended by something else
        _void(session, work, left)
    request = ApprovalRequest(
        arguments=passage.arguments.model_dump(mode="json"),
        plan=_plan(passage, seen.account),
        evidence=_evidence(session, work, seen),
        second_step=terms.second_step_of(
            enrolled=approvers.any_enrolled(session, eligible), approvers=len(set(eligible))
        ),
        expires_minutes=terms.expires_minutes,
        needs_proof=True,
    )
    call = door.approved_call(work, step, passage, seen.account)
    return approvals.open_for(session, ticket.id, call, request, intent_id=intent).id


def _plan(passage: Passage, account: Account | None) -> tuple[str, ...]:
    """Return in words exactly what a call would do."""
    tool = passage.tool
    if tool.plan_of is not None and account is not None:
        return tool.plan_of(passage.arguments, account)
    return (f"Run {tool.name} with {passage.arguments.model_dump(mode='json')}.",)


def _evidence(session: Session, work: TurnWork, seen: SeenAccount) -> ApprovalEvidence:
    """Return what an approver sees beside the plan; the directory's words may hold what somebody has typed."""
    cost, account = spending.ticket_cost(session, work.attempt.ticket.id).cost_nusd, seen.account
    if account is None:
        return ApprovalEvidence(cost_nusd=cost)
    return ApprovalEvidence(
        status=account.status,
        status_reason=redact(account.lock_reason) if account.lock_reason else None,
        name=account.name,
        factors=account.factors,
        sign_ins=tuple(
            (one.at.isoformat(), one.ok, redact(one.why), redact(one.place or ""))
            for one in seen.sign_ins[:SHOWN_SIGN_INS]
        ),
        cost_nusd=cost,
        verified=BY_DIRECTORY if account.slack_user == work.subject.user else BY_ADDRESS,
    )

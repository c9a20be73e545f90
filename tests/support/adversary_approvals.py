"""Approvals as an adversary finds them right before a call: of exactly this call or of another, in any state."""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import update

from bot.agent import acts, door
from bot.agent.door import Passage
from bot.agent.turn_work import TurnWork
from bot.delegation import hashing
from bot.principals import SecondStep
from bot.store.approvals import approvals
from bot.store.approvals.approval_moves import ApprovalMoved
from bot.store.approvals.approvals import ApprovalRequest, ApprovedCall
from bot.store.db import Session
from bot.store.schema import Approval, ApprovalEvidence, WithdrawCause, now
from bot.tools.directory import ResetFactorArgs
from bot.tools.registry import Args, Tool

APPROVER = "U0PRIYA"
_ANOTHER = ResetFactorArgs.model_validate({"lost": "security_key"})


class Staged(StrEnum):
    """What people have said of a call before it is made."""

    UNLISTED = "unlisted"
    "The card lets nobody approve the tool."
    NOTHING = "nothing"
    PROVING = "proving"
    ASKED = "asked"
    DENIED = "denied"
    EXPIRED = "expired"
    "It was approved, and then its time was up."
    WITHDRAWN = "withdrawn"
    OTHER_ARGUMENTS = "other arguments"
    OTHER_ACCOUNT = "other account"
    OTHER_TICKET = "other ticket"
    OTHER_RELEASE = "other release"
    OTHER_STEP = "other step"
    "It was approved for another step of the turn."
    USED_ELSEWHERE = "used elsewhere"
    "It was approved for another step, which has used it."
    USED_HERE = "used here"
    "An earlier attempt at the very call has used it, and may have died."
    APPROVED = "approved"


ALLOW = frozenset({Staged.APPROVED, Staged.USED_HERE})
"What lets a call run: an approval of exactly it, in time."
_REQUEST = ApprovalRequest({}, ("Reset it.",), ApprovalEvidence(), SecondStep.NONE, 30, needs_proof=False)


def stage(staged: Staged, work: TurnWork, other: TurnWork, step: int, tool: Tool, arguments: Args) -> None:
    """Let people have said this of a call that is about to be made.

    Args:
        staged: what they have said.
        work: the attempt that makes the call.
        other: the attempt of somebody else.
        step: the number of the call within the turn.
        tool: the tool.
        arguments: the validated arguments.
    """
    call = door.approved_call(work, step, Passage(tool, arguments, {}), acts.seen(work)[0])
    with work.runtime.database.write() as session:
        for ticket in (work.attempt.ticket, other.attempt.ticket):
            left = approvals.active_of(session, ticket.id)
            if left is not None:  # a ticket has one at a time
                approvals.withdraw(session, left.id, by="operator", cause=WithdrawCause.CHANGED)
        _say(session, staged, work, other, call)


def _say(session: Session, staged: Staged, work: TurnWork, other: TurnWork, call: ApprovedCall) -> None:
    if staged in (Staged.UNLISTED, Staged.NOTHING):
        return
    about, request = _about(staged, other, call), replace(_REQUEST, needs_proof=staged is Staged.PROVING)
    ticket = (other if staged is Staged.OTHER_TICKET else work).attempt.ticket
    asked = approvals.open_for(session, ticket.id, about, request, intent_id=1)
    if staged in (Staged.PROVING, Staged.ASKED):
        return
    if staged is Staged.DENIED:
        _moved(approvals.deny(session, asked.id, by=APPROVER, reason="No."))
        return
    _moved(approvals.approve(session, asked.id, by=APPROVER, second_step="none"))
    if staged is Staged.EXPIRED:
        past = now() - timedelta(seconds=1)
        session.execute(update(Approval).where(Approval.id == asked.id).values(expires_at=past))
    elif staged is Staged.WITHDRAWN:
        _moved(approvals.withdraw(session, asked.id, by="operator", cause=WithdrawCause.CHANGED))
    elif staged in (Staged.USED_HERE, Staged.USED_ELSEWHERE):
        _moved(approvals.use(session, asked.id, about))


def _about(staged: Staged, other: TurnWork, call: ApprovedCall) -> ApprovedCall:
    """Return the call that is approved: the one that is about to be made, or another one."""
    differs: dict[Staged, dict[str, Any]] = {
        Staged.OTHER_ARGUMENTS: {"arguments_sha256": hashing.of_arguments(_ANOTHER)},
        Staged.OTHER_ACCOUNT: {"account_id": "acc-eve"},
        Staged.OTHER_TICKET: {"turn_id": other.attempt.turn_id},
        Staged.OTHER_RELEASE: {"release": "access@00000000"},
        Staged.OTHER_STEP: {"step": -call.step},
        Staged.USED_ELSEWHERE: {"step": -call.step},
    }
    return replace(call, **differs.get(staged, {}))


def _moved(moved: object) -> None:
    assert isinstance(moved, ApprovalMoved), moved

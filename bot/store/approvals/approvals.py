r"""The moves of an approval, each made by `approval_moves.make`.

    opened
      |
      v       a proof was given           approve               the turn goes on
    proving ---------------------> asked ---------> approved -------------------> used
      |                            |   |               |
      |                            |   \--deny--> denied
      \----------------------------+-------------------+--expire----> expired
       \---------------------------+-------------------+--withdraw--> withdrawn

Of two approvers, the first leaves it `asked` and is kept in `first_by`; the second must be another person. A time that
is up is part of each condition, so an approval cannot be decided after `expires_at` even if no clock has looked yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from bot.principals import SecondStep
from bot.store import audit
from bot.store.approvals import approval_moves
from bot.store.approvals.approval_moves import CLOCK, ApprovalMoved, ApprovalNotMoved
from bot.store.schema import (
    Approval,
    ApprovalEvidence,
    ApprovalMove,
    ApprovalMoveKind,
    ApprovalState,
    Proof,
    ProofState,
    Turn,
    TurnState,
    WithdrawCause,
    now,
)
from bot.store.tickets import tickets

ACTIVE = frozenset({ApprovalState.PROVING, ApprovalState.ASKED, ApprovalState.APPROVED})
"States in which an approval can still lead to the call; a ticket has at most one in them."
USE_WITHIN = timedelta(minutes=15)
"How long after a yes the call may begin: an approver agreed to it now, not to some later time."


@dataclass(frozen=True, slots=True)
class ApprovedCall:
    """The one call that an approval allows; each field is compared before it is used."""

    turn_id: int
    step: int
    "The number of the call within the turn."
    agent: str
    release: str
    tool: str
    arguments_sha256: str
    "Hash of the validated arguments, as in the delegation."
    policy_sha256: str
    "Hash of what the policy decides by."
    account_id: str | None
    "The account that the call acts on; None: it acts on none."
    account_version: str
    "Hash of that whole account; empty without one."


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What approvers are asked, and under which terms."""

    arguments: Mapping[str, Any] = field(hash=False)
    "The validated arguments, as JSON values."
    plan: tuple[str, ...]
    "Sentences that say exactly what will be done."
    evidence: ApprovalEvidence
    second_step: SecondStep
    "What an approver needs beside their Slack session."
    expires_minutes: float
    "How long approvers have."
    needs_proof: bool
    "The requester has to show first who they are."


def open_for(
    session: Session, ticket_id: int, call: ApprovedCall, request: ApprovalRequest, *, intent_id: int
) -> Approval:
    """Open the approval that one call needs.

    Args:
        session: the open write transaction, which has written the intent.
        ticket_id: the ticket.
        call: the call.
        request: what approvers are asked.
        intent_id: the number of the call's intent in the audit log.
    """
    ticket, at = tickets.lock(session, ticket_id), now()
    asked = None if request.needs_proof else at
    approval = Approval(
        ticket_id=ticket.id,
        intent_id=intent_id,
        team=ticket.team,
        requester=ticket.requester,
        **{one.name: getattr(call, one.name) for one in fields(call)},
        arguments=dict(request.arguments),
        plan=list(request.plan),
        evidence=request.evidence,
        second_step=request.second_step,
        expires_minutes=request.expires_minutes,
        state=ApprovalState.PROVING if request.needs_proof else ApprovalState.ASKED,
        created_at=at,
        asked_at=asked,
        expires_at=asked and asked + timedelta(minutes=request.expires_minutes),
    )
    session.add(approval)
    session.flush()
    actor, detail = f"agent:{call.release}", {one.name: getattr(call, one.name) for one in fields(call)}
    approval_moves.note(session, approval, ApprovalMoveKind.OPENED, actor, intent=intent_id, **detail)
    if not request.needs_proof:
        approval_moves.note(session, approval, ApprovalMoveKind.ASKED, actor)
    return approval


def prove(session: Session, approval_id: int, *, by: str) -> ApprovalMoved | ApprovalNotMoved:
    """Ask the approvers, now that a proof of the requester was given.

    Args:
        session: the open write transaction.
        approval_id: the approval.
        by: who gave the proof.
    """
    if not approval_moves.lock(session, approval_id):
        return approval_moves.not_moved(None)
    given = exists().where(Proof.approval_id == Approval.id, Proof.state == ProofState.GIVEN)
    minutes = session.scalars(select(Approval.expires_minutes).where(Approval.id == approval_id)).one()
    at = now()
    asked = {"state": ApprovalState.ASKED, "asked_at": at, "expires_at": at + timedelta(minutes=minutes)}
    allowed = and_(Approval.state == ApprovalState.PROVING, given)
    return approval_moves.make(session, approval_id, ApprovalMoveKind.ASKED, by, allowed, asked)


def approve(session: Session, approval_id: int, *, by: str, second_step: str) -> ApprovalMoved | ApprovalNotMoved:
    """Say yes for an approver; the caller has checked that they may, and their second step.

    Where two people are needed, the first yes leaves the approval `asked`.

    Args:
        session: the open write transaction.
        approval_id: the approval.
        by: Slack user id of the approver.
        second_step: how they showed a second time who they are, for the audit log.
    """
    if not approval_moves.lock(session, approval_id):
        return approval_moves.not_moved(None)
    others, at = Approval.requester != by, now()
    open_now = and_(_undecided(), others)
    two = Approval.second_step == SecondStep.TWO_PEOPLE
    first = and_(open_now, two, Approval.first_by.is_(None))
    given = {"second_step_given": second_step}
    kind = ApprovalMoveKind.SECONDED
    moved = approval_moves.make(
        session, approval_id, kind, by, first, given | {"first_by": by}, second_step=second_step
    )
    if isinstance(moved, ApprovalMoved):
        return moved
    last = and_(open_now, or_(~two, and_(Approval.first_by.is_not(None), Approval.first_by != by)))
    decided = {"state": ApprovalState.APPROVED, "decided_at": at, "decided_by": by, "expires_at": at + USE_WITHIN}
    kind = ApprovalMoveKind.APPROVED
    return approval_moves.make(session, approval_id, kind, by, last, given | decided, second_step=second_step)


def deny(session: Session, approval_id: int, *, by: str, reason: str) -> ApprovalMoved | ApprovalNotMoved:
    """Say no for an approver, with their reason, which is redacted."""
    if not approval_moves.lock(session, approval_id):
        return approval_moves.not_moved(None)
    denied = {"state": ApprovalState.DENIED, "decided_at": now(), "decided_by": by, "reason": reason}
    allowed = and_(_undecided(), Approval.requester != by)
    return approval_moves.make(session, approval_id, ApprovalMoveKind.DENIED, by, allowed, denied)


def expire(session: Session, approval_id: int) -> ApprovalMoved | ApprovalNotMoved:
    """End an approval whose time is up, or that no proof is asked for any more."""
    if not approval_moves.lock(session, approval_id):
        return approval_moves.not_moved(None)
    proving = exists().where(Proof.approval_id == Approval.id, Proof.state.in_([ProofState.ASKED, ProofState.GIVEN]))
    over = or_(
        and_(Approval.state.in_([ApprovalState.ASKED, ApprovalState.APPROVED]), Approval.expires_at <= now()),
        and_(Approval.state == ApprovalState.PROVING, ~proving),
    )
    return approval_moves.make(
        session, approval_id, ApprovalMoveKind.EXPIRED, CLOCK, over, _ended(session, approval_id, ApprovalState.EXPIRED)
    )


def withdraw(session: Session, approval_id: int, *, by: str, cause: WithdrawCause) -> ApprovalMoved | ApprovalNotMoved:
    """Make an approval void.

    Args:
        session: the open write transaction.
        approval_id: the approval.
        by: who or what does it.
        cause: why, from the closed set.
    """
    if not approval_moves.lock(session, approval_id):
        return approval_moves.not_moved(None)
    values = _ended(session, approval_id, ApprovalState.WITHDRAWN, by) | {"cause": cause}
    allowed = Approval.state.in_(ACTIVE)
    return approval_moves.make(session, approval_id, ApprovalMoveKind.WITHDRAWN, by, allowed, values, cause=cause)


def use(session: Session, approval_id: int, call: ApprovedCall) -> ApprovalMoved | ApprovalNotMoved:
    """Use up an approval for the call that it was given for; a call that differs in anything is another one.

    Args:
        session: the open write transaction, which writes the intent.
        approval_id: the approval.
        call: the call that is about to be made, as the tool's door sees it.
    """
    if not approval_moves.lock(session, approval_id):
        return approval_moves.not_moved(None)
    at = now()
    same = [getattr(Approval, one.name).is_not_distinct_from(getattr(call, one.name)) for one in fields(call)]
    granted = and_(Approval.state == ApprovalState.APPROVED, Approval.expires_at > at, *same)
    used = {"state": ApprovalState.USED, "used_at": at}
    return approval_moves.make(session, approval_id, ApprovalMoveKind.USED, f"agent:{call.release}", granted, used)


def shown(session: Session, approval_id: int, *, link: str | None, withheld: bool) -> None:
    """Keep where the request is, and whether its card leaves out plan and evidence."""
    session.execute(update(Approval).where(Approval.id == approval_id).values(link=link, withheld=withheld))


def is_for(approval: Approval, call: ApprovedCall) -> bool:
    """Return whether an approval is for exactly this call."""
    return all(getattr(approval, one.name) == getattr(call, one.name) for one in fields(call))


def find(session: Session, approval_id: int) -> Approval | None:
    """Return an approval, or None."""
    return session.get(Approval, approval_id)


def read_again(session: Session, approval_id: int) -> Approval:
    """Return an existing approval as it is now, as after its ticket was locked."""
    return session.get_one(Approval, approval_id, populate_existing=True)


def of_step(session: Session, turn_id: int, step: int) -> Approval | None:
    """Return the approval of a step of a turn, or None."""
    return session.scalars(select(Approval).where(Approval.turn_id == turn_id, Approval.step == step)).one_or_none()


def of_turn(session: Session, turn_id: int) -> Sequence[Approval]:
    """Return the approvals of a turn, in the order of their steps."""
    return session.scalars(select(Approval).where(Approval.turn_id == turn_id).order_by(Approval.step)).all()


def active_of(session: Session, ticket_id: int) -> Approval | None:
    """Return the active approval of a ticket, or None."""
    query = select(Approval).where(Approval.ticket_id == ticket_id, Approval.state.in_(ACTIVE))
    return session.scalars(query).one_or_none()


def history(session: Session, approval_id: int) -> Sequence[ApprovalMove]:
    """Return what happened to an approval, in order."""
    query = select(ApprovalMove).where(ApprovalMove.approval_id == approval_id).order_by(ApprovalMove.id)
    return session.scalars(query).all()


def refuse(session: Session, approval_id: int | None, user: str, *, act: str, why: str) -> None:
    """Write a refused act into the audit log.

    Args:
        session: the open write transaction.
        approval_id: the approval that it was about; None: there is none, or the click names another one.
        user: who tried.
        act: what they tried.
        why: why it was refused, without their words.
    """
    approval = None if approval_id is None else session.get(Approval, approval_id)
    ticket_id = None if approval is None else approval.ticket_id
    audit.append(session, "approval.refused", actor=user, ticket_id=ticket_id, approval=approval_id, act=act, why=why)


def _undecided() -> ColumnElement[bool]:
    """Return the condition that an approver can still decide: a turn that was stopped would do nothing with a yes."""
    goes_on = exists().where(Turn.id == Approval.turn_id, Turn.state != TurnState.DONE)
    return and_(Approval.state == ApprovalState.ASKED, Approval.expires_at > now(), goes_on)


def _ended(session: Session, approval_id: int, state: ApprovalState, by: str = CLOCK) -> dict[str, Any]:
    """Return the values of an end that no approver made; a yes that came before it stays on record."""
    before = session.execute(select(Approval.decided_at, Approval.decided_by).where(Approval.id == approval_id)).one()
    return {"state": state, "decided_at": before.decided_at or now(), "decided_by": before.decided_by or by}

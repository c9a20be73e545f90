"""Which proof of who a requester is can be asked for, and of whom: looked up when it is asked for.

Chat, mailbox and knowledge questions prove nothing. What counts is what the directory says: a factor that is left, a
manager, or the number on record that a responder calls.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

import structlog

from bot import rights
from bot.agent.approval_terms import ApprovalTerms
from bot.agent.card import Agent
from bot.errors import DirectoryDown
from bot.principals import Account, AccountStatus, Capability, LostDevice, ProofKind
from bot.store.schema import Approval, now
from jobs.process import WorkerContext

log = structlog.get_logger()

PATIENCE = timedelta(minutes=2)
"How long a directory that does not answer is asked again before the next proof is tried."


@dataclass(frozen=True, slots=True)
class ProofQuestion:
    """A proof that can be asked for."""

    kind: ProofKind
    asked_of: str | None = None
    "The manager's Slack user id, or the remaining factor; None: any responder may call back."
    manager: str | None = None
    "Id in the directory of the manager."
    number: str | None = None
    "Two digits that the requester enters on their device."
    key: str | None = None
    "Idempotency key of the challenge."


def next_of(
    ctx: WorkerContext, approval: Approval, agent: Agent, terms: ApprovalTerms, *, asked: Collection[ProofKind]
) -> ProofQuestion | None:
    """Return the next proof that is possible, or None if none is left.

    Raises:
        Transient: the directory does not answer, and may soon.
    """
    for kind in terms.proof:
        if kind in asked:
            continue
        try:
            question = _question(ctx, approval, agent, kind)
        except DirectoryDown as error:
            if now() - approval.created_at < PATIENCE:
                raise
            log.warning("proof.left_out", approval=approval.id, kind=kind, error=str(error))
            continue
        if question is not None:
            return question
    return None


def _question(ctx: WorkerContext, approval: Approval, agent: Agent, kind: ProofKind) -> ProofQuestion | None:
    match kind:
        case ProofKind.REMAINING_FACTOR:
            return _remaining_factor(ctx, approval)
        case ProofKind.MANAGER:
            return _manager(ctx, approval, agent)
        case ProofKind.CALL_BACK:
            return ProofQuestion(kind)
        case _:
            assert_never(kind)


def _remaining_factor(ctx: WorkerContext, approval: Approval) -> ProofQuestion | None:
    """Return the question to a factor that is not on the lost device, if the directory can ask one."""
    account = _account(ctx, approval.account_id, Capability.PUSH_FACTOR)
    lost = approval.arguments.get("lost")
    if account is None or lost not in set(LostDevice):
        return None
    factor = account.confirms_without(LostDevice(lost))
    if factor is None:
        return None
    number = f"{secrets.randbelow(100):02}"
    return ProofQuestion(ProofKind.REMAINING_FACTOR, factor, number=number, key=f"approval:{approval.id}:{factor}")


def _manager(ctx: WorkerContext, approval: Approval, agent: Agent) -> ProofQuestion | None:
    """Return the question to the requester's manager: another person, of ours now, who leaves an approver to decide."""
    account = _account(ctx, approval.account_id, Capability.MANAGER)
    manager = None if account is None else _account(ctx, account.manager, Capability.MANAGER)
    if manager is None or manager.slack_user in (None, approval.requester):
        return None
    user = str(manager.slack_user)
    if manager.status is not AccountStatus.ACTIVE or rights.barred(ctx.actor(user), (user,)) is not None:
        return None
    others = set(agent.card.handoff.approvers) - {approval.requester, user}
    return ProofQuestion(ProofKind.MANAGER, user, manager=manager.id) if others else None


def _account(ctx: WorkerContext, account_id: str | None, needs: Capability) -> Account | None:
    if account_id is None or needs not in ctx.directory.can:
        return None
    return ctx.directory.account(account_id)

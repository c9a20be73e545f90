"""The door of the tools, the one place through which a tool runs.

For each call the turn mints a token that says who asks, who acts and by what right (`delegate`). The door compares the
token with the call that it sees itself, and uses it up in the transaction that writes the audit intent (`enter`). Only
the passage that it returns can run the tool. Invariants: a token opens the door once, for the one call that it names;
and a tool that needs an approval runs only with a passage for which the door itself has used one up (`redeem`).
"""

from dataclasses import dataclass, replace
from typing import Any

from bot.agent.turn_work import TurnWork
from bot.delegation import hashing
from bot.delegation.tokens import Delegation, DelegationFault, TokenRefused
from bot.principals import Account
from bot.store.accounts import used_tokens
from bot.store.approvals import approvals
from bot.store.approvals.approval_moves import ApprovalMoved
from bot.store.approvals.approvals import ApprovedCall
from bot.store.db import Session
from bot.store.schema import ApprovalState, now
from bot.store.tickets.turns import Attempt
from bot.tools.registry import Args, Tool, ToolUse


@dataclass(frozen=True, slots=True)
class Passage:
    """The right to run one tool with these arguments, as a token gave it."""

    tool: Tool
    arguments: Args
    claims: dict[str, Any]
    "What the token says, without its signature: for the audit log."
    approval: int | None = None
    "The approval of exactly this call that was used up for it; None: none was needed, or none was given."

    def run(self, use: ToolUse) -> dict[str, Any]:
        """Run the tool, or ask the same call of the directory again.

        Raises:
            TypeError: the loop itself carries this tool out.
            TokenRefused: the arguments have changed since the token was minted, or the call was not approved.
        """
        if self.tool.run is None:
            raise TypeError(f"{self.tool.name} is the loop's own")
        if hashing.of_arguments(self.arguments) != self.claims["args"]:
            raise TokenRefused(DelegationFault.OTHER_CALL, "args")
        if self.tool.needs_approval and self.approval is None:
            raise TokenRefused(DelegationFault.OTHER_CALL, "approval")
        return self.tool.run(use, self.arguments)


def delegate(work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    """Mint the token of one call of a tool.

    Raises:
        ValueError: an argument has no canonical form, see `hashing.of_arguments`.
    """
    approval = None
    if tool.needs_approval:
        with work.runtime.database.read() as session:
            approval = _approval_of(session, work, step, tool)
    return work.runtime.issuer.mint(delegation(work, step, tool, arguments, approval=approval), at=now())


def enter(session: Session, work: TurnWork, step: int, tool: Tool, arguments: Args, *, token: str) -> Passage:
    """Verify the token of a call and use it up.

    Args:
        session: the open write transaction, which writes the audit intent.
        work: the attempt that makes the call.
        step: the number of the call within the turn.
        tool: the tool that will run.
        arguments: the validated arguments that it will run with.
        token: what the caller shows.

    Raises:
        TokenRefused: the token is good for no call, for another one, or was used before.
    """
    named = delegation(work, step, tool, arguments, approval=_approval_of(session, work, step, tool))
    claims = work.runtime.issuer.verify(token, named, at=now())
    if not used_tokens.consume(session, claims["jti"], expires=claims["exp"]):
        raise TokenRefused(DelegationFault.USED, "jti")
    return Passage(tool, arguments, claims)


def redeem(session: Session, work: TurnWork, step: int, passage: Passage, account: Account | None) -> Passage | None:
    """Use up the approval of a call, and return a passage that may run it; None if this call was not approved.

    An earlier attempt at the same step may have used it and died: its idempotency keys make each change once, so the
    call is made again, although the account may have changed by then.

    Args:
        session: the open write transaction, which writes the audit intent.
        work: the attempt that makes the call.
        step: the number of the call within the turn.
        passage: what the door gave for the token.
        account: the account that the call acts on, as it was read right before.
    """
    found = approvals.of_step(session, work.attempt.turn_id, step)
    if found is None:
        return None
    call = approved_call(work, step, passage, account)
    if found.state is ApprovalState.USED:
        same = approvals.is_for(found, replace(call, account_version=found.account_version))
        return replace(passage, approval=found.id) if same else None
    used = approvals.use(session, found.id, call)
    return replace(passage, approval=found.id) if isinstance(used, ApprovalMoved) else None


def approved_call(work: TurnWork, step: int, passage: Passage, account: Account | None) -> ApprovedCall:
    """Return the call that an approval is asked for, or used for."""
    return ApprovedCall(
        turn_id=work.attempt.turn_id,
        step=step,
        agent=work.runtime.agent.card.name,
        release=str(work.runtime.release),
        tool=passage.tool.name,
        arguments_sha256=hashing.of_arguments(passage.arguments),
        policy_sha256=work.runtime.release.policy,
        account_id=None if account is None else account.id,
        account_version=hashing.of_account(account),
    )


def _approval_of(session: Session, work: TurnWork, step: int, tool: Tool) -> str | None:
    """Return the claim that names the approval of a call; None before there is one."""
    found = approvals.of_step(session, work.attempt.turn_id, step) if tool.needs_approval else None
    return None if found is None else str(found.id)


def delegation(work: TurnWork, step: int, tool: Tool, arguments: Args, *, approval: str | None = None) -> Delegation:
    """Return what is delegated for one call of a tool in a turn."""
    attempt, agent = work.attempt, work.runtime.agent
    ticket = attempt.ticket
    return Delegation(
        subject=f"slack:{work.subject.team}:{work.subject.user}",
        agent=work.actor,
        worker=f"worker:{attempt.worker}/{attempt.number}",
        tool=tool.name,
        scope=tool.scope,
        transaction=f"{ticket.id}/{attempt.turn_id}/{step}",
        grants=tuple(grant.holder for grant in agent.grants(ticket.channel, private=ticket.private)),
        owners=agent.card.owners,
        request=_request(attempt),
        arguments=hashing.of_arguments(arguments),
        policy=work.runtime.release.policy,
        approval=approval,
        taint=tuple(map(str, tool.tainted)),
    )


def _request(attempt: Attempt) -> tuple[tuple[str, str | None], ...]:
    """Return the last message that the turn answers."""
    last, ticket = (attempt.heard[-1] if attempt.heard else None), attempt.ticket
    return (
        ("event_id", last.event_id if last else None),
        ("channel", ticket.channel),
        ("thread_ts", ticket.thread_ts),
        ("message_ts", last.ts if last else None),
    )

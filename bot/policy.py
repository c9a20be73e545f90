"""May this actor do this, for this person, now? `decide` is pure and total, and denies by default.

The effective right is what the agent's grant, the channel's grant and the requester's own right have
in common, and an approval of exactly these arguments where the tool needs one. The target is never
an argument: it is the one account bound to the verified requester.
"""

from dataclasses import dataclass

from bot.principals import Account, AccountStatus, Effect, Grant, Reason, Subject
from bot.tools.registry import Tool

HUMAN_ONLY = frozenset({AccountStatus.DISABLED, AccountStatus.DEPARTED})
"States in which an account is always a person's work."


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go on, on this account."""

    account: str
    why: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Do not; the ticket goes to a person for this reason."""

    reason: Reason
    why: str
    "One sentence, for the audit log and the person who takes over."


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """Only after a person has approved exactly this call."""

    why: str


Decision = Allowed | Denied | NeedsApproval


def decide(tool: Tool, *, subject: Subject, account: Account | None, grants: tuple[Grant, ...]) -> Decision:
    """Decide on one call.

    Args:
        tool: what is to be done.
        subject: on whose behalf, with the accounts that match the verified identity.
        account: the state of the one bound account, or None when there is none.
        grants: every grant that must allow it; none at all denies.
    """
    if not grants or any(tool.name not in grant.tools for grant in grants):
        lacking = ", ".join(g.holder for g in grants if tool.name not in g.tools) or "nobody"
        return Denied(Reason.NOT_PERMITTED, f"{tool.name} is not granted by {lacking}")
    if tool.effect is Effect.CONTROL:
        return Allowed("", "ends the agent's own part")
    if subject.account is None or account is None or account.id != subject.account:
        found = len(subject.accounts)
        return Denied(Reason.IDENTITY_MISMATCH, f"the Slack identity matches {found} directory accounts, not one")
    if tool.effect is Effect.WRITE and account.privileged:
        return Denied(Reason.OUT_OF_POLICY, "an administrator's account is a person's work")
    if tool.effect is Effect.WRITE and account.status in HUMAN_ONLY:
        return Denied(Reason.OUT_OF_POLICY, f"an account that is {account.status} is a person's work")
    if tool.needs_approval:
        return NeedsApproval(f"{tool.name} needs an approver's yes")
    return Allowed(account.id, "own account, granted to agent and channel")

"""Decide whether one tool call is allowed, for this person, now. `decide` is pure and total, and denies by default.

A call needs the agent's grant, the channel's grant and the requester's own right, and an approval of exactly these
arguments where the tool requires one. The target is never an argument: it is the one account bound to the verified
requester. A tool that writes takes from the model only values of a closed set; free text in any of its arguments is
tainted, and the call is denied. Each decision names the rule that made it (`bot.policy.named_rules`).

The card lists what may be written to that account (`bot.policy.rules`). By the account's state:

    state              reason in the directory    unlock         reset link      any other write
    locked             listed in may_unlock       yes            if listed (1)   yes (2)
    locked             anything else, or none     person         person          person
    suspended          in may_lift, and liftable  yes            person          yes (2)
    suspended          anything else              person         person          person
    active, expired    none, or in may_unlock     not needed     if listed (1)   yes (2)
    active, expired    anything else              person         person          person
    disabled, departed any                         person         person          person

    (1) the state is in may_send_link        (2) after an approval where the tool needs one

Every write to a privileged account, or to one that looks compromised, is left to a person, in every state. A write that
would change nothing is not needed, unless an earlier attempt at the same step has begun it: then it is finished. Once
an account has reached its bounds (`WriteBounds`), every further write is left to a person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.policy import compromise
from bot.policy.named_rules import PolicyRule
from bot.policy.rules import AccountRules
from bot.principals import Account, AccountStatus, Effect, Grant, PastWrite, Reason, SignIn, Subject
from bot.tools.registry import Args, Tool

UNLOCK, SEND_LINK = "account:unlock", "account:reset_password"
"Scopes that the card's rules know by name."
LISTED_AT_MOST = 10
"How many earlier writes a person is shown."
QUOTED_AT_MOST = 200
"Longest quotation of the directory's own words, in characters."


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call may run, on this account."""

    rule: PolicyRule
    account: str
    "Empty for a tool that needs no account."
    why: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The call may not run; the ticket goes to a person for this reason."""

    rule: PolicyRule
    reason: Reason
    why: str
    "A clause that holds no fact about the account: for the audit log, the model and the person who takes over."
    evidence: str = ""
    "What the decision is based on, in whole sentences, for that person alone."

    @property
    def explanation(self) -> str:
        """Return the reason and its evidence, for the person who takes over."""
        return f"{self.why[:1].upper()}{self.why[1:]}. {self.evidence}".strip()


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """The call may run only after a person has approved exactly it."""

    rule: PolicyRule
    why: str


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """There is nothing to write; the agent is told so and continues."""

    rule: PolicyRule
    why: str


Decision = Allowed | Denied | NeedsApproval | NotNeeded


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision is based on besides the account itself, read right before the call."""

    at: datetime
    sign_ins: tuple[SignIn, ...] = ()
    writes: tuple[PastWrite, ...] = ()
    "Writes to the account in the last 24 hours, by any agent, in any ticket; refused ones are left out."
    begun: bool = False
    "Whether an earlier attempt at this step was allowed to make the write, and may have made a part of it."


def decide(
    tool: Tool,
    *,
    subject: Subject,
    account: Account | None,
    grants: tuple[Grant, ...],
    rules: AccountRules,
    facts: Facts,
    needs_account: bool = True,
    arguments: Args | None = None,
) -> Decision:
    """Decide on one call.

    Args:
        tool: the tool that is called.
        subject: on whose behalf, with the accounts that match the verified identity.
        account: the state of the one bound account, or None when there is none.
        grants: the grants that must all allow the call; without any, it is denied.
        rules: what the card lets its agent do to an account.
        facts: the account's sign-ins and earlier writes.
        needs_account: whether this tool works only for somebody with one account; a tool that writes always does.
        arguments: the validated arguments; without them, a call counts as one that would change something.
    """
    if not grants or any(tool.name not in grant.tools for grant in grants):
        return _ungranted(tool, grants)
    if tool.effect is Effect.CONTROL:
        return Allowed(PolicyRule.ENDS_PART, "", "ends the agent's part")
    if not needs_account and tool.effect is Effect.READ and not tool.acts_on_account:
        return _unapproved(tool) or Allowed(PolicyRule.NEEDS_NO_ACCOUNT, "", "granted")
    if tool.effect is Effect.WRITE and tool.tainted:
        return _tainted(tool)
    if subject.account is None or account is None or account.id != subject.account:
        found = len(subject.accounts)
        why = f"the Slack identity matches {found} directory accounts, not one"
        return Denied(PolicyRule.NOT_ONE_ACCOUNT, Reason.IDENTITY_MISMATCH, why)
    if tool.effect is Effect.WRITE:
        objection = _unwritable(tool, account, rules, facts, arguments)
        if objection is not None:
            return objection
    return _unapproved(tool) or Allowed(PolicyRule.OWN_ACCOUNT, account.id, "own account, granted to agent and channel")


def barred(account: Account, rules: AccountRules, facts: Facts) -> Denied | None:
    """Return why every write to an account is left to a person, or None.

    Args:
        account: the account as it is now.
        rules: what the card lets its agent do.
        facts: its sign-ins; earlier writes are not considered.
    """
    if account.privileged:
        return _to_person(PolicyRule.ADMINISTRATOR, "an administrator's account is a person's work")
    if account.status not in (*_REASONS, AccountStatus.SUSPENDED):
        why = "an account in this state is a person's work"
        return _to_person(PolicyRule.ACCOUNT_STATE, why, f"The account is {account.status}.")
    if not _is_listed(account, rules):
        why = "the agent's card does not list what the directory says about this account"
        return _to_person(PolicyRule.UNLISTED_REASON, why, _directory_reason(account))
    evidence = compromise.detect(facts.sign_ins, rules.compromise, facts.at)
    if evidence is not None:
        why = "the sign-ins suggest that somebody else has got into the account"
        return _to_person(PolicyRule.COMPROMISED, why, evidence)
    return None


_REASONS = (AccountStatus.ACTIVE, AccountStatus.LOCKED, AccountStatus.PASSWORD_EXPIRED)
"States in which the directory's reason is the reason for a lock."


def _is_listed(account: Account, rules: AccountRules) -> bool:
    match account.status:
        case AccountStatus.SUSPENDED:
            return account.liftable and account.lock_reason in rules.may_lift
        case AccountStatus.LOCKED:
            return account.lock_reason in rules.may_unlock
        case _:
            return not account.lock_reason or account.lock_reason in rules.may_unlock


def _ungranted(tool: Tool, grants: tuple[Grant, ...]) -> Denied:
    lacking = ", ".join(grant.holder for grant in grants if tool.name not in grant.tools)
    why = f"{tool.name} is not granted by {lacking}" if lacking else f"no grant was given for {tool.name}"
    return Denied(PolicyRule.NOT_GRANTED if lacking else PolicyRule.NO_GRANT, Reason.NOT_PERMITTED, why)


def _unwritable(
    tool: Tool, account: Account, rules: AccountRules, facts: Facts, arguments: Args | None
) -> Denied | NotNeeded | None:
    """Return why this write is a person's, or is not needed, or None."""
    return (
        barred(account, rules, facts)
        or _by_state(tool, account, rules)
        or (None if facts.begun else _needless(tool, account, arguments))
        or _bounded(tool, rules, facts)
    )


def _by_state(tool: Tool, account: Account, rules: AccountRules) -> Denied | NotNeeded | None:
    """Return why the account's state rules this tool out, for an account that is not barred."""
    blocked = account.status in (AccountStatus.LOCKED, AccountStatus.SUSPENDED)
    if tool.scope == UNLOCK and not blocked:
        return NotNeeded(PolicyRule.NOTHING_TO_UNLOCK, f"there is nothing to unlock: the account is {account.status}")
    if tool.scope == SEND_LINK and account.status not in rules.may_send_link:
        why = "no reset link is sent to an account in this state"
        return _to_person(PolicyRule.NO_LINK_IN_STATE, why, f"The account is {account.status}.")
    return None


def _needless(tool: Tool, account: Account, arguments: Args | None) -> NotNeeded | None:
    """Return that a call would change nothing, if that can be said."""
    if arguments is None or tool.plan_of is None or tool.plan_of(arguments, account):
        return None
    return NotNeeded(PolicyRule.NOTHING_TO_DO, f"there is nothing for {tool.name} to change")


def _bounded(tool: Tool, rules: AccountRules, facts: Facts) -> Denied | None:
    """Return why this tool may not write to this account again yet; a write stamped in the future counts as now."""
    bounds, before = rules.bounds(tool.name), [one for one in facts.writes if one.tool == tool.name]
    for span, words, most in (
        (timedelta(hours=1), "an hour", bounds.per_hour),
        (timedelta(days=1), "24 hours", bounds.per_day),
    ):
        counted = [one for one in before if one.at > facts.at - span]
        if len(counted) >= most:
            why = f"the limit for this account is reached: {tool.name}, {most} within {words}, over all tickets"
            return _to_person(PolicyRule.BOUND_REACHED, why, _history(facts.writes))
    return None


def _to_person(rule: PolicyRule, why: str, evidence: str = "") -> Denied:
    return Denied(rule, Reason.OUT_OF_POLICY, why, evidence)


def _unapproved(tool: Tool) -> NeedsApproval | None:
    if not tool.needs_approval:
        return None
    return NeedsApproval(PolicyRule.APPROVAL_MISSING, f"{tool.name} needs an approver")


def _tainted(tool: Tool) -> Denied:
    """Refuse a write whose arguments are free text: what a write does is never chosen by untrusted words."""
    named = ", ".join(map(str, tool.tainted))
    return Denied(PolicyRule.TAINTED_TARGET, Reason.NOT_PERMITTED, f"{tool.name} would act on untrusted text ({named})")


def _directory_reason(account: Account) -> str:
    if not account.lock_reason:
        return f"The account is {account.status}, and the directory gives no reason."
    words = " ".join(account.lock_reason.split())
    cut = words if len(words) <= QUOTED_AT_MOST else f"{words[:QUOTED_AT_MOST]}..."
    suffix = "" if account.status is not AccountStatus.SUSPENDED or account.liftable else ", not for its owner to lift"
    return f'The account is {account.status}{suffix}; the directory\'s reason: "{cut}".'


def _history(writes: tuple[PastWrite, ...]) -> str:
    """Say when the account was written in the last day, and in which tickets."""
    if not writes:
        return ""
    newest = sorted(writes, key=lambda one: one.at)[-LISTED_AT_MOST:]
    lines = [
        f"{one.tool} at {one.at:%Y-%m-%d %H:%M} UTC in ticket {one.ticket_id}"
        + ("" if one.seen else " (its result was never seen)")
        for one in newest
    ]
    more = "" if len(newest) == len(writes) else f" and {len(writes) - len(newest)} earlier"
    return f"In the last 24 hours: {'; '.join(lines)}{more}."

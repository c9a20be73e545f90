"""Decide whether one tool call is allowed, for this person, now. `decide` is pure and total, and denies by default.

A call needs the agent's grant, the channel's grant and the requester's own right, and an approval of exactly these
arguments where the tool requires one. The target is never an argument: it is the one account bound to the verified
requester.

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

Every write to a privileged account, or to one that looks compromised, is left to a person, in every state. Which second
factors are enrolled changes nothing: no tool of an agent touches them. Once an account has reached its bounds
(`WriteBounds`), every further write is left to a person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.policy import compromise
from bot.policy.rules import AccountRules
from bot.principals import Account, AccountStatus, Effect, Grant, PastWrite, Reason, SignIn, Subject
from bot.tools.registry import Tool

UNLOCK, SEND_LINK = "account:unlock", "account:reset_password"
"Scopes that the card's rules know by name."
LISTED_AT_MOST = 10
"How many earlier writes a person is shown."
QUOTED_AT_MOST = 200
"Longest quotation of the directory's own words, in characters."


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call may run, on this account."""

    account: str
    "Empty for a tool that needs no account."
    why: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The call may not run; the ticket goes to a person for this reason."""

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

    why: str


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """There is nothing to write; the agent is told so and continues."""

    why: str


Decision = Allowed | Denied | NeedsApproval | NotNeeded


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision is based on besides the account itself, read right before the call."""

    at: datetime
    sign_ins: tuple[SignIn, ...] = ()
    writes: tuple[PastWrite, ...] = ()
    "Writes to the account in the last 24 hours, by any agent, in any ticket; refused ones are left out."


def decide(
    tool: Tool,
    *,
    subject: Subject,
    account: Account | None,
    grants: tuple[Grant, ...],
    rules: AccountRules,
    facts: Facts,
    needs_account: bool = True,
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
    """
    if not grants or any(tool.name not in grant.tools for grant in grants):
        lacking = ", ".join(g.holder for g in grants if tool.name not in g.tools)
        why = f"{tool.name} is not granted by {lacking}" if lacking else f"no grant was given for {tool.name}"
        return Denied(Reason.NOT_PERMITTED, why)
    if tool.effect is Effect.CONTROL:
        return Allowed("", "ends the agent's part")
    if not needs_account and tool.effect is Effect.READ and not tool.acts_on_account:
        return NeedsApproval(f"{tool.name} needs an approver") if tool.needs_approval else Allowed("", "granted")
    if subject.account is None or account is None or account.id != subject.account:
        found = len(subject.accounts)
        return Denied(Reason.IDENTITY_MISMATCH, f"the Slack identity matches {found} directory accounts, not one")
    if tool.effect is Effect.WRITE:
        objection = barred(account, rules, facts) or _by_state(tool, account, rules) or _bounded(tool, rules, facts)
        if objection is not None:
            return objection
    if tool.needs_approval:
        return NeedsApproval(f"{tool.name} needs an approver")
    return Allowed(account.id, "own account, granted to agent and channel")


def barred(account: Account, rules: AccountRules, facts: Facts) -> Denied | None:
    """Return why every write to an account is left to a person, or None.

    Args:
        account: the account as it is now.
        rules: what the card lets its agent do.
        facts: its sign-ins; earlier writes are not considered.
    """
    if account.privileged:
        return _to_person("an administrator's account is a person's work")
    if account.status not in (*_REASONS, AccountStatus.SUSPENDED):
        return _to_person("an account in this state is a person's work", f"The account is {account.status}.")
    if not _is_listed(account, rules):
        return _to_person(
            "the agent's card does not list what the directory says about this account", _directory_reason(account)
        )
    evidence = compromise.detect(facts.sign_ins, rules.compromise, facts.at)
    if evidence is not None:
        return _to_person("the sign-ins suggest that somebody else has got into the account", evidence)
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


def _by_state(tool: Tool, account: Account, rules: AccountRules) -> Denied | NotNeeded | None:
    """Return why the account's state rules this tool out, for an account that is not barred."""
    blocked = account.status in (AccountStatus.LOCKED, AccountStatus.SUSPENDED)
    if tool.scope == UNLOCK and not blocked:
        return NotNeeded(f"there is nothing to unlock: the account is {account.status}")
    if tool.scope == SEND_LINK and account.status not in rules.may_send_link:
        why = "no reset link is sent to an account in this state"
        return _to_person(why, f"The account is {account.status}.")
    return None


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
            return _to_person(why, _history(facts.writes))
    return None


def _to_person(why: str, evidence: str = "") -> Denied:
    return Denied(Reason.OUT_OF_POLICY, why, evidence)


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

"""Who acts, for whom, with what right: the values that every package shares.

A subject's account is found from the Slack requester whose signature was verified, never from text, so nothing here is
ever built from what a model wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

USER_ID, CHANNEL_ID, DIRECT_ID, GROUP_ID, WORKSPACE_ID = (
    rf"[{first}][A-Z0-9]{{2,30}}" for first in ("UW", "CG", "D", "S", "TE")
)
"Patterns of Slack's ids. They are bounded, so that no long fake id fills a message up to its limit."

EVALUATIONS, EVALUATION_USER, EVALUATION_TEAM = "eval", "U0EVAL", "T0EVAL"
"The channel, person and team that evaluations are charged to; Slack has no such ids."
OF_EVALUATIONS = frozenset({EVALUATIONS, EVALUATION_USER, EVALUATION_TEAM})
"Reports show the word `evaluations` instead of these ids."


class Reason(StrEnum):
    """Why a ticket goes to a person: a closed set, shown to people and counted in reports."""

    REQUESTED = "requested"
    OUT_OF_POLICY = "out_of_policy"
    NOT_PERMITTED = "not_permitted"
    APPROVAL_NEEDED = "approval_needed"
    LOW_CONFIDENCE = "low_confidence"
    REPEATED_FAILURE = "repeated_failure"
    NO_PROGRESS = "no_progress"
    FRUSTRATION = "frustration"
    IDENTITY_MISMATCH = "identity_mismatch"
    BUDGET = "budget"
    BUSY = "busy"
    MODEL_UNAVAILABLE = "model_unavailable"
    NOT_RELEASED = "not_released"
    ERROR = "error"
    REOPENED = "reopened"
    TAKEN_OVER = "taken_over"
    OUTAGE = "outage"
    AGENT_SUSPENDED = "agent_suspended"


class GuestPolicy(StrEnum):
    """What becomes of a guest's request."""

    REFUSE = "refuse"
    "One sentence, to them alone."
    HANDOFF = "handoff"
    "A person gets it; nothing is looked up in the directory."
    SERVE = "serve"
    "It is answered like a member's."


class AgentStatus(StrEnum):
    """Whether an agent works: its card says it, and operators may suspend it while it runs."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    "It begins no step; its tickets go to people until it is resumed."
    RETIRED = "retired"
    "It never works again, and its id is never given to another agent."


class Effect(StrEnum):
    """What a tool does, as the tool declares it."""

    READ = "read"
    WRITE = "write"
    CONTROL = "control"


class NoRequest(StrEnum):
    """Categories of a ticket that asks nothing of an agent; no card may have a category of these names."""

    WITHDRAWN = "withdrawn"
    "Its requester has taken it back."
    REFUSED = "refused"
    "Its requester was not admitted."


class AccountStatus(StrEnum):
    """The state of a directory account."""

    ACTIVE = "active"
    LOCKED = "locked"
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 - a state, not a secret
    SUSPENDED = "suspended"
    DISABLED = "disabled"
    DEPARTED = "departed"


class Solved(StrEnum):
    """When a ticket that an agent has resolved counts as solved; the agent's card chooses one."""

    ACCOUNT_ACTIVE = "account_active"
    "The directory says that the requester's account is active; until it does, the ticket stays open."
    AGENTS_WORD = "agents_word"
    "The agent's own word, as nothing else can show it."

    def holds(self, status: AccountStatus | None) -> bool:
        """Return whether a resolved ticket is solved.

        Args:
            status: the state of the requester's account now; None unless exactly one account is bound.
        """
        match self:
            case Solved.ACCOUNT_ACTIVE:
                return status is AccountStatus.ACTIVE
            case Solved.AGENTS_WORD:
                return True
            case _:
                assert_never(self)


class Capability(StrEnum):
    """What a directory may be able to do besides finding an account; an adapter declares what it can."""

    UNLOCK = "unlock"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - an action, not a secret
    LIST_FACTORS = "list_factors"
    RESET_FACTOR = "reset_factor"
    PUSH_FACTOR = "push_factor"
    "It asks a person through one of their second factors, and knows how they answered."
    REVOKE_SESSIONS = "revoke_sessions"
    SIGN_INS = "sign_ins"
    MANAGER = "manager"
    NOTIFY = "notify"
    "It writes to the address on file."


class LostDevice(StrEnum):
    """What a person has lost, as they say it; each device carries second factors (`FACTORS_ON`)."""

    PHONE = "phone"
    SECURITY_KEY = "security_key"


FACTORS_ON: Mapping[LostDevice, tuple[str, ...]] = {
    LostDevice.PHONE: ("totp", "push", "sms"),
    LostDevice.SECURITY_KEY: ("security_key",),
}
"The kinds of second factors that are lost with a device, in the order in which they are reset."
CONFIRMING_FACTORS = ("security_key", "push")
"""The kinds of second factors through which a person can confirm that it is they who ask, the best first.

A code from an app or a text message would have to be typed into the chat, where anybody who has it can type it.
"""


class ChallengeState(StrEnum):
    """How a person has answered a challenge that the directory sent to one of their second factors."""

    ASKED = "asked"
    "They have not answered yet, and still can."
    CONFIRMED = "confirmed"
    "They have typed the number that they were told elsewhere."
    REFUSED = "refused"
    "They said that it was not they who asked, or typed wrong numbers."
    EXPIRED = "expired"
    "Nobody answered in time."


class ProofKind(StrEnum):
    """How a requester can prove who they are before an approver is asked."""

    REMAINING_FACTOR = "remaining_factor"
    "The directory asks another second factor that they still have."
    MANAGER = "manager"
    "Their manager, by the directory, confirms it in a direct message."
    CALL_BACK = "call_back"
    "A responder has called them at the number on record."


class SecondStep(StrEnum):
    """What an approver needs beside their Slack session, which somebody may have stolen."""

    NONE = "none"
    "Nothing."
    CODE = "code"
    "A time-based one-time code of theirs."
    TWO_PEOPLE = "two_people"
    "Another approver, who agrees."


@dataclass(frozen=True, slots=True)
class Account:
    """One directory account, as an adapter reads it."""

    id: str
    email: str
    name: str
    status: AccountStatus
    lock_reason: str | None
    "Why it is locked or suspended, in the directory's words."
    privileged: bool
    "Whether it is an administrator's account, which only people may change."
    liftable: bool
    "Whether it is suspended in a way that policy lets its owner lift."
    factors: tuple[str, ...]
    "The kinds of second factors that are enrolled, never their values."
    password_changed_at: datetime | None
    slack_user: str | None = None
    "The Slack user id that the directory itself binds to this account; None without one."
    manager: str | None = None
    "The id of their manager's account; None where the directory knows none."

    def lost_with(self, device: LostDevice) -> tuple[str, ...]:
        """Return the enrolled second factors that are lost with a device, in the order in which they are reset."""
        return tuple(factor for factor in FACTORS_ON[device] if factor in self.factors)

    def confirms_without(self, device: LostDevice) -> str | None:
        """Return the factor through which the person can still confirm who they are without a device, or None."""
        left = (factor for factor in CONFIRMING_FACTORS if factor not in FACTORS_ON[device])
        return next((factor for factor in left if factor in self.factors), None)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in attempt."""

    at: datetime
    ok: bool
    why: str
    "Why it failed, in the directory's words; empty when it succeeded."
    place: str | None = None
    "Where it came from, in the directory's words; None where it does not say."


@dataclass(frozen=True, slots=True)
class PastWrite:
    """One earlier write to an account, by any agent, in any ticket."""

    tool: str
    at: datetime
    ticket_id: int
    seen: bool
    "Whether its result is known; a write counts even if it is not."


@dataclass(frozen=True, slots=True)
class Subject:
    """The person on whose behalf an agent acts, by the Slack identity in a signed request."""

    team: str
    user: str
    "Slack user id."
    accounts: tuple[str, ...]
    "Ids of the directory accounts that match the admitted requester; unless it is exactly one, they mismatch."

    @property
    def account(self) -> str | None:
        """Return the account bound to this person; None unless exactly one matches."""
        return self.accounts[0] if len(self.accounts) == 1 else None


@dataclass(frozen=True, slots=True)
class Grant:
    """A bounded permission: the tools an agent may use, in general or in one channel."""

    holder: str
    "agent:<name> or channel:<id>"
    tools: frozenset[str]

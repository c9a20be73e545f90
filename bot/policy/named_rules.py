"""The rules by which a tool call may be decided. Every decision names exactly one of them."""

from enum import StrEnum
from typing import Self


class PolicyRule(StrEnum):
    """The rule that decided a tool call: a closed set, written into the audit log and shown to operators."""

    sentence: str
    "What the rule says, for people."

    def __new__(cls, value: str, sentence: str) -> Self:
        """Make a member of its stored word and its sentence."""
        member = str.__new__(cls, value)
        member._value_, member.sentence = value, sentence
        return member

    NO_GRANT = "no_grant", "No grant was given at all."
    NOT_GRANTED = "not_granted", "The agent or the channel is not granted the tool."
    ENDS_PART = "ends_part", "The tool only ends the agent's part, so it needs nothing but its grants."
    NEEDS_NO_ACCOUNT = "needs_no_account", "The tool reads nothing of an account, so it needs nothing but its grants."
    TAINTED_TARGET = "tainted_target", "The tool writes, and an argument is free text from an untrusted source."
    NOT_ONE_ACCOUNT = "not_one_account", "The requester is not bound to exactly one account, or not to this one."
    ADMINISTRATOR = "administrator", "An administrator's account is changed by a person alone."
    ACCOUNT_STATE = "account_state", "An account in this state is changed by a person alone."
    UNLISTED_REASON = "unlisted_reason", "The agent's card does not list what the directory says about the account."
    COMPROMISED = "compromised", "The sign-ins suggest that somebody else has got into the account."
    NO_LINK_IN_STATE = "no_link_in_state", "The agent's card sends no reset link to an account in this state."
    BOUND_REACHED = "bound_reached", "The account was written by this tool as often as the card allows."
    NOTHING_TO_UNLOCK = "nothing_to_unlock", "The account is not locked, so there is nothing to do."
    NOTHING_TO_DO = "nothing_to_do", "With these arguments the tool would change nothing about the account."
    APPROVAL_MISSING = "approval_missing", "The tool needs a person's approval of exactly these arguments."
    APPROVED = "approved", "A person has approved exactly this call, and it was not made before."
    APPROVAL_DENIED = "approval_denied", "A person who could approve the call said no."
    APPROVAL_EXPIRED = "approval_expired", "Nobody approved the call in time, or it was not begun in time."
    APPROVAL_CHANGED = "approval_changed", "The call is not the one that was approved: something has changed since."
    APPROVAL_WITHDRAWN = "approval_withdrawn", "The approval was withdrawn before the call."
    OWN_ACCOUNT = "own_account", "The tool is granted, and acts on the requester's own account."
    DONE_BEFORE = "done_before", "An earlier attempt at this step has made the change, and the directory knows it."

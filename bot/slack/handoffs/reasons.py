"""Why a ticket went to a person, in words for responders and owners, and what they can do about it."""

import re

from bot.principals import Reason

_WORDS = {
    Reason.REQUESTED: "They asked for a person",
    Reason.OUT_OF_POLICY: "Only a person may do this",
    Reason.NOT_PERMITTED: "The agent is not permitted to do what is needed",
    Reason.APPROVAL_NEEDED: "The next step needs an approval",
    Reason.LOW_CONFIDENCE: "The agent was not sure",
    Reason.REPEATED_FAILURE: "What the agent did has not helped",
    Reason.NO_PROGRESS: "The agent got nowhere within its limits",
    Reason.FRUSTRATION: "They seem upset",
    Reason.IDENTITY_MISMATCH: "It is not clear which account is theirs",
    Reason.BUDGET: "The budget for this is used up",
    Reason.BUSY: "Calls under way held the whole budget for minutes",
    Reason.MODEL_UNAVAILABLE: "The AI model did not answer",
    Reason.NOT_RELEASED: "This release of the agent has not passed its evaluation",
    Reason.ERROR: "A fault in the bot",
    Reason.REOPENED: "They wrote again after it was closed",
    Reason.TAKEN_OVER: "A responder has answered in the agent's thread",
    Reason.OUTAGE: "Nobody's account can be read now",
    Reason.AGENT_SUSPENDED: "The agent is paused",
}
_NEXT = {
    Reason.REQUESTED: "talk to them",
    Reason.OUT_OF_POLICY: "check who they are, then decide",
    Reason.NOT_PERMITTED: "do it for them, or say no",
    Reason.APPROVAL_NEEDED: "an approver decides, and does it",
    Reason.LOW_CONFIDENCE: "find out what they need",
    Reason.REPEATED_FAILURE: "find out why",
    Reason.NO_PROGRESS: "take it from here",
    Reason.FRUSTRATION: "talk to them soon",
    Reason.IDENTITY_MISMATCH: "check who they are first",
    Reason.BUDGET: "help them yourself",
    Reason.BUSY: "help them yourself",
    Reason.MODEL_UNAVAILABLE: "help them yourself",
    Reason.NOT_RELEASED: "help them yourself",
    Reason.ERROR: "help them yourself",
    Reason.REOPENED: "see what is left",
    Reason.TAKEN_OVER: "go on with it",
    Reason.OUTAGE: "find out why",
    Reason.AGENT_SUSPENDED: "help them yourself",
}
_SAME = {
    Reason.OUT_OF_POLICY: "(this|an?) account( in this state)? is a person's (work|decision)",
    Reason.REPEATED_FAILURE: "what was done before did not help",
    Reason.IDENTITY_MISMATCH: "make sure who they are before you touch an account",
    Reason.FRUSTRATION: "(they|the requester|the user) (are|is|seems?) (upset|angry|frustrated)|a person should .*",
    Reason.BUDGET: "nothing more was asked of the model",
    Reason.BUSY: "calls under way held all that may be spent at once, for minutes|nothing is used up",
    Reason.MODEL_UNAVAILABLE: "the model was asked .* and did not answer",
    Reason.NOT_RELEASED: r"release \S+ has no passing evaluation, so it does not answer",
    Reason.ERROR: r"something broke on our side \(error \w+, in the logs\)",
    Reason.REOPENED: "a person had resolved this",
    Reason.TAKEN_OVER: "a responder has answered in the agent's thread before anyone was called",
    Reason.AGENT_SUSPENDED: "the agent is suspended",
}
"Sentences of summaries that say no more than the reason's own words."


def words(reason: Reason) -> str:
    """Return in words why a ticket went to a person."""
    return _WORDS[reason]


def to_do(reason: Reason) -> str:
    """Return in a few words what the person is to do."""
    return _NEXT[reason]


def is_said(reason: Reason, sentence: str) -> bool:
    """Return whether a reason's own words say all that a sentence says."""
    same = _SAME.get(reason)
    return same is not None and re.fullmatch(same, sentence.strip().rstrip(".;:"), re.IGNORECASE) is not None

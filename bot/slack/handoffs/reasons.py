"""Why a ticket went to a person, in words for responders and owners."""

from bot.principals import Reason

_WORDS = {
    Reason.REQUESTED: "They asked for a person",
    Reason.OUT_OF_POLICY: "Only a person may do this",
    Reason.NOT_PERMITTED: "The agent is not permitted to do what is needed",
    Reason.APPROVAL_NEEDED: "The next step needs an approval",
    Reason.LOW_CONFIDENCE: "The agent was not sure",
    Reason.REPEATED_FAILURE: "A step kept failing",
    Reason.NO_PROGRESS: "The agent got nowhere within its limits",
    Reason.FRUSTRATION: "They seem upset",
    Reason.IDENTITY_MISMATCH: "Their Slack identity does not match exactly one account",
    Reason.BUDGET: "The budget is used up",
    Reason.BUSY: "Calls under way held the whole budget for minutes",
    Reason.MODEL_UNAVAILABLE: "The AI model did not answer",
    Reason.NOT_RELEASED: "This release of the agent has not passed its evaluation",
    Reason.ERROR: "A fault in the bot",
    Reason.REOPENED: "They wrote again after it was closed",
    Reason.TAKEN_OVER: "A responder has answered in the agent's thread",
}


def words(reason: Reason) -> str:
    """Say in words why a ticket went to a person."""
    return _WORDS[reason]

"""Sentences that tell a person, and only them, why they may not act or why it is too late."""

from typing import assert_never

from bot.rights import Forbidden
from bot.slack.sentences import Language, say
from bot.store.handoffs.moves import NotMoved
from bot.store.schema import HandoffState

OWN_REQUEST = "This is your own request, so somebody else has to take care of it."


def in_words(why: Forbidden, language: Language = "en") -> str:
    """Return the sentence why somebody may not act: for responders in English, for a requester in their language."""
    return say(f"denied.{why.name.lower()}", language)


def explanation(refused: NotMoved, user: str) -> str:
    """Return the sentence why a handoff could not be moved, by its state."""
    if refused.own:
        return OWN_REQUEST
    match refused.state:
        case HandoffState.CLAIMED:
            return "You have it already." if refused.holder == user else f"<@{refused.holder}> has it."
        case HandoffState.OPEN:
            return "Nobody has it at the moment: claim it first."
        case HandoffState.RETURNED:
            return "It was given back to the agent."
        case HandoffState.CANCELLED:
            return "The requester took this back."
        case HandoffState.RESOLVED:
            return "This is resolved already."
        case None:
            return say("press.out_of_date", "en")
        case _:
            assert_never(refused.state)

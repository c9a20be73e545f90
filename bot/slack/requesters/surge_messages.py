"""What people read of a surge: each follower in their thread, and everybody in the help channel; pure functions.

Invariant: nobody is named, no number and no time is promised.
"""

from typing import Final

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.slack import mrkdwn, sentences
from bot.slack.mrkdwn import Body
from bot.slack.sentences import Language, say
from bot.store.schema import SurgeCause, SurgeEnd

DIFFERENT: Final = "surge.different"
"Action id of the button with which a follower says that theirs is different; its value is the ticket's id."


def notice_key(surge_id: int) -> str:
    """Return the key of the notice in the help channel."""
    return f"surge:{surge_id}:notice"


def notice(cause: SurgeCause, language: Language) -> Body:
    """Return the notice for everybody in the help channel."""
    return mrkdwn.message(say(f"surge.notice_{cause}", language))


def notice_over(end: SurgeEnd, language: Language) -> Body:
    """Return what replaces the notice when the surge is over."""
    return mrkdwn.message(say(f"surge.notice_{_ended(end)}_over", language))


def linked(cause: SurgeCause, ticket_id: int | None, language: Language, *, looks: bool = False) -> Body:
    """Tell a follower that they wait for a surge, and how to get out of it.

    Args:
        cause: the cause of the surge.
        ticket_id: the ticket of the button; None once the button would do nothing.
        language: the requester's language.
        looks: whether the agent looks at it now, since the requester said that theirs is different.
    """
    told = say(f"surge.joined_{cause}", language)
    if ticket_id is None:
        return mrkdwn.message(sentences.joined(language, [told, say("surge.looks", language) if looks else ""]))
    body = mrkdwn.message(sentences.joined(language, [told, say("surge.if_different", language)]))
    button = ButtonElement(text=say("surge.different", language), action_id=DIFFERENT, value=str(ticket_id))
    body["blocks"].append(ActionsBlock(elements=[button]).to_dict())
    return body


def again(language: Language) -> Body:
    """Tell a follower who writes again that they are not forgotten."""
    return mrkdwn.message(say("surge.again", language))


def solved(language: Language) -> Body:
    """Answer a follower who writes that it works again."""
    return mrkdwn.message(say("surge.solved", language))


def over(end: SurgeEnd, language: Language) -> Body:
    """Tell a follower that the surge is over and that the agent goes on."""
    return mrkdwn.message(say(f"surge.ended_{_ended(end)}", language))


def _ended(end: SurgeEnd) -> str:
    """Return the part of a key that says who ended it; nobody reads what ended because nobody waited."""
    return "directory" if end is SurgeEnd.ANSWERS else "people"

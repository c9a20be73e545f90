"""What a thumb down asks, in private: is a person wanted, and what was wrong? Pure."""

from typing import Final

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, InputBlock, PlainTextInputElement

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body
from bot.slack.sentences import Language, say

FETCH: Final = "feedback.person"
TELL: Final = "feedback.tell"
"Actions of the buttons below the question; their value is the turn."
TOLD: Final = "feedback.told"
"The form, whose metadata is the turn."
WORDS: Final = "words"
"Its one field."
LONGEST = 2_000
"Characters that can be typed into it."


def sorry(turn_id: int, language: Language, *, person: bool) -> Body:
    """Ask what is to be done about an answer that did not help.

    Args:
        turn_id: of the answer.
        language: of its requester.
        person: a person can be fetched: nobody has the ticket yet.
    """
    fetch = ButtonElement(text=say("feedback.person", language), action_id=FETCH, value=str(turn_id), style="primary")
    return _with_buttons(say("feedback.sorry", language), [fetch] if person else [], turn_id, language)


def fetched(text: str, turn_id: int, language: Language) -> Body:
    """Return what takes the place of the question once a person was asked for: what has become of that.

    What was wrong can still be told.
    """
    return _with_buttons(text, [], turn_id, language)


def _with_buttons(text: str, first: list[ButtonElement], turn_id: int, language: Language) -> Body:
    body = mrkdwn.said(text)
    tell = ButtonElement(text=say("feedback.tell", language), action_id=TELL, value=str(turn_id))
    body["blocks"].append(ActionsBlock(elements=[*first, tell]).to_dict())
    return body


def form(turn_id: int, language: Language) -> Block:
    """Return the form that asks what was wrong."""
    words = PlainTextInputElement(action_id=WORDS, multiline=True, min_length=1, max_length=LONGEST)
    label, hint = say("feedback.label", language), say("feedback.hint", language)
    asks = InputBlock(block_id=WORDS, label=label, element=words, hint=hint).to_dict()
    title, send, close = (say(f"feedback.{key}", language) for key in ("title", "send", "cancel"))
    return mrkdwn.modal(TOLD, turn_id, title, send, [asks], close=close)

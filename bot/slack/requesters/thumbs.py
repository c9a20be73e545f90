"""The private questions after a thumb down: is a person wanted, and what was wrong? Pure."""

from typing import Final

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, InputBlock, PlainTextInputElement

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body
from bot.slack.sentences import Language, say

FETCH: Final = "feedback.person"
TELL: Final = "feedback.tell"
"Action ids of the buttons below the question; their value is the turn's id."
TOLD: Final = "feedback.told"
"Callback id of the form; its metadata is the turn's id."
WORDS: Final = "words"
"Its only field."
LONGEST = 2_000
"The most characters of that field."


def sorry(turn_id: int, language: Language, *, person: bool) -> Body:
    """Return the question what to do about an answer that did not help.

    Args:
        turn_id: the turn of the answer.
        language: the requester's language.
        person: whether a person can be called in, because nobody has the ticket yet.
    """
    fetch = ButtonElement(text=say("feedback.person", language), action_id=FETCH, value=str(turn_id), style="primary")
    return _with_buttons(say("feedback.sorry", language), [fetch] if person else [], turn_id, language)


def fetched(text: str, turn_id: int, language: Language) -> Body:
    """Return what replaces the question after a person was asked for; what was wrong can still be told."""
    return _with_buttons(text, [], turn_id, language)


def _with_buttons(text: str, first: list[ButtonElement], turn_id: int, language: Language) -> Body:
    body = mrkdwn.message(text)
    tell = ButtonElement(text=say("feedback.tell", language), action_id=TELL, value=str(turn_id))
    body["blocks"].append(ActionsBlock(elements=[*first, tell]).to_dict())
    return body


def form(turn_id: int, language: Language) -> Block:
    """Return the form that asks what was wrong."""
    words = PlainTextInputElement(action_id=WORDS, multiline=True, min_length=1, max_length=LONGEST)
    label, hint = say("feedback.label", language), say("feedback.hint", language)
    field = InputBlock(block_id=WORDS, label=label, element=words, hint=hint).to_dict()
    title, send, close = (say(f"feedback.{key}", language) for key in ("title", "send", "cancel"))
    return mrkdwn.modal(TOLD, turn_id, title, send, [field], close=close)

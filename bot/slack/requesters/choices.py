"""The question which agent a direct message is for, where several agents hear direct messages."""

from collections.abc import Mapping
from typing import Final

from slack_sdk.models.blocks import ButtonElement, SectionBlock

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.slack.sentences import Language, say

CHOOSE: Final = "agent.choose"
"Action id of each button; the button's value is the agent's name."
MOST: Final = 20
"The most agents that are offered; a message takes 50 blocks."
_PURPOSE = 300
"The most characters of a purpose."


def key(channel: str, ts: str) -> str:
    """Return the key of the question about a message."""
    return f"choice:{channel}:{ts}"


def which(purposes: Mapping[str, str], language: Language) -> Body:
    """Return the question which agent a message is for.

    Args:
        purposes: each agent's purpose, by its name.
        language: the language of the person who is asked.
    """
    body = mrkdwn.message(say("choice.which", language))
    for name, purpose in list(purposes.items())[:MOST]:
        button = ButtonElement(text=_called(name), action_id=CHOOSE, value=name)
        block = SectionBlock(text=mrkdwn.section(mrkdwn.line(purpose, _PURPOSE))["text"], accessory=button)
        body["blocks"].append(block.to_dict())
    return body


def chosen(name: str, language: Language) -> Body:
    """Return what replaces the question: which agent the message has gone to."""
    return mrkdwn.message(say("choice.chosen", language, agent=_called(name)))


def _called(name: str) -> str:
    """Return an agent's name in words."""
    return name.replace("-", " ").capitalize()

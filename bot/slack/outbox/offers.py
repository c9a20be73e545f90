"""Private messages to a person who wrote at the top level of a help channel."""

import re
from typing import Any, Final

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.slack import mrkdwn
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.slack.mrkdwn import Body
from bot.slack.sentences import Language, say

LOOK: Final = "plea.look"
"Action id of the button below an offer; the button's value is the ts of the message."
LINKED: Final = "linked"
"Key in a body: channel and ts of a message, and the words that become a link to it when they are posted."
_TS = re.compile(r"\d{1,15}\.\d{1,10}")


def is_ts(value: object) -> bool:
    """Return whether a value can be the ts of a message."""
    return isinstance(value, str) and _TS.fullmatch(value) is not None


def offer(ts: str, language: Language) -> Body:
    """Return the question whether a message is meant for the agent."""
    body = mrkdwn.message(say("offer.shall_i", language))
    button = ButtonElement(text=say("offer.yes", language), action_id=LOOK, value=ts)
    body["blocks"].append(ActionsBlock(elements=[button]).to_dict())
    return body


def added(channel: str, thread_ts: str, language: Language, *, to_people: bool) -> Body:
    """Return the sentence that says that a message was added to an open request.

    Args:
        channel: the channel of the request.
        thread_ts: its thread.
        language: the language of the person who is told.
        to_people: whether people have the request.
    """
    request = say("added.request", language)
    text = say("added.to_people" if to_people else "added.to_agent", language, request=request)
    return {**mrkdwn.message(text), LINKED: [channel, thread_ts, request]}


def linked(client: WebClient, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with a link to the message under `LINKED`, if there is one and Slack gives its address."""
    if LINKED not in body:
        return body
    channel, ts, words = body[LINKED]
    rest = {key: value for key, value in body.items() if key != LINKED}
    address = slack.permalink(client, channel, ts)
    return (
        rest if address is None else {**rest, **mrkdwn.message(rest["text"].replace(words, f"<{address}|{words}>", 1))}
    )

"""What an owner is asked before `/agent-eval` does what counts for everybody. Pure."""

from dataclasses import dataclass
from typing import Final

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, ConfirmObject

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body

SURE: Final = "eval.confirmed"
"Action id of the button; its value is the id of the command that it confirms."
CONFIRM_CHARACTERS = 300
"The most characters of the text of a dialog."


@dataclass(frozen=True, slots=True)
class SureQuestion:
    """An act of an owner that is not done before they say that they are sure."""

    text: str
    "What would be done, in mrkdwn."
    button: str
    "What the button says, at most 30 characters."
    title: str
    "What the dialog asks, at most 100 characters."
    means: str
    "What it means for people, as plain text."
    risky: bool = False
    "Whether the button is red."


def asked(question: SureQuestion, event_id: int) -> Body:
    """Return the question about a command, with a button that asks once more in a dialog."""
    sure = ConfirmObject(
        title=question.title,
        text={"type": "plain_text", "text": mrkdwn.clamp(question.means, CONFIRM_CHARACTERS)},
        confirm=question.button,
        deny="Cancel",
        style="danger" if question.risky else "primary",
    )
    style = "danger" if question.risky else "primary"
    button = ButtonElement(text=question.button, action_id=SURE, value=str(event_id), style=style, confirm=sure)
    body = mrkdwn.message(f"{question.text} Nothing is done yet.")
    body["blocks"].append(ActionsBlock(elements=[button]).to_dict())
    return body

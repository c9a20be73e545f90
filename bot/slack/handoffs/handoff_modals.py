"""The forms for answering, resolving, reassigning and giving back a handoff: views, built by pure functions.

A submitted form comes from a browser and is not trusted: its metadata names a handoff, which is looked up. The value of
each field is under the name of its block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    RadioButtonsElement,
    StaticSelectElement,
    UserSelectElement,
)

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block

MOST_OFFERED = 100
"The most options that Slack shows in one list."
LONGEST_NAME = 75
"The most characters of an option."
_TYPED = 3_000
"The most characters that Slack lets people type into a form; longer answers need a message that starts with `>`."


@dataclass(frozen=True, slots=True)
class Offered:
    """A person to whom a handoff can be reassigned."""

    user: str
    "Slack user id."
    name: str
    on_call: bool = False


def reply_modal(handoff_id: int, requester: str) -> Block:
    """Return the view in which a responder writes to the requester (value under text)."""
    text = PlainTextInputElement(action_id="text", multiline=True, min_length=1, max_length=_TYPED)
    blocks = [
        mrkdwn.section(f"{mrkdwn.mention(requester)} gets this in their thread, under your name."),
        _input("text", "Your reply", text),
    ]
    return mrkdwn.modal("handoff.replied", handoff_id, "Reply to requester", "Send", blocks)


def resolve_modal(handoff_id: int, categories: Mapping[str, str]) -> Block:
    """Return the view that asks a responder how a handoff was resolved (values under done, category, agent_could).

    Args:
        handoff_id: the handoff.
        categories: the words of the categories in the agent's card, by name.
    """
    done = PlainTextInputElement(action_id="done", multiline=True, min_length=1, max_length=2_000)
    category = StaticSelectElement(
        action_id="category",
        placeholder="Choose one",
        options=[Option(value=value, text=text) for value, text in categories.items()],
    )
    agent_could = RadioButtonsElement(
        action_id="agent_could", options=[Option(value="yes", text="Yes"), Option(value="no", text="No")]
    )
    hint = "They will read this, so leave out anything private if their thread is in a channel."
    blocks = [
        _input("done", "What was done?", done, hint=hint),
        _input("category", "What was it?", category),
        _input("agent_could", "Could the agent have done this?", agent_could),
    ]
    return mrkdwn.modal("handoff.resolved", handoff_id, "Resolve", "Resolve", blocks)


def reassign_modal(handoff_id: int, offered: Sequence[Offered] | None) -> Block:
    """Return the view that asks who takes over (values under to, why), or that says that nobody can.

    Args:
        handoff_id: the handoff.
        offered: the people to whom it can be reassigned, in order; None lets Slack list everybody in the workspace.
    """
    if offered is not None and not offered:
        return mrkdwn.modal("handoff.reassigned", handoff_id, "Reassign", None, [_NOBODY_ELSE], close="Close")
    to: InputInteractiveElement = (
        UserSelectElement(action_id="to", placeholder=_WHO)
        if offered is None
        else StaticSelectElement(action_id="to", placeholder=_WHO, options=[_option(one) for one in offered])
    )
    why = PlainTextInputElement(action_id="why", multiline=True, max_length=500)
    blocks = [
        _input("to", "Who takes over?", to),
        _input("why", "Anything they should know?", why, hint="Only responders read this.", optional=True),
    ]
    return mrkdwn.modal("handoff.reassigned", handoff_id, "Reassign", "Reassign", blocks)


def give_back_modal(handoff_id: int) -> Block:
    """Return the view that asks what the agent is to go on with, and what to say first (values under note, say)."""
    note = PlainTextInputElement(action_id="note", multiline=True, min_length=1, max_length=_TYPED)
    hint = "The agent reads this and goes on within its own rights. The requester does not see it."
    say = PlainTextInputElement(action_id="say", multiline=True, max_length=_TYPED)
    blocks = [
        _input("note", "What should the agent know or do?", note, hint=hint),
        _input("say", "Say this to the requester first", say, hint="Under your name, in their thread.", optional=True),
    ]
    return mrkdwn.modal("handoff.given_back", handoff_id, "Give back", "Give back", blocks)


_WHO = "Choose a responder"
_NOBODY_ELSE = mrkdwn.section(
    "*Nobody else can take this.* This agent has no other responder who is an active member of this workspace.\n"
    "Unclaim it, and anybody can claim it; an owner of the agent can add responders to its card."
)


def _option(offered: Offered) -> Option:
    return Option(value=offered.user, text=offered.name, description="On call" if offered.on_call else None)


def _input(
    name: str, label: str, element: InputInteractiveElement, *, hint: str | None = None, optional: bool = False
) -> Block:
    return InputBlock(block_id=name, label=label, element=element, hint=hint, optional=optional).to_dict()

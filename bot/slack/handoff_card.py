"""What responders see of a handoff: its card in the queue channel, the transcript below it, two modals.

Invariant: a card is true for the state it was built from, and every button on it does something in that
state. What a person, a tool or the model said stands in blocks of its own and cannot pass for ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ContainerBlock,
    HeaderBlock,
    InputBlock,
    InputInteractiveElement,
    MarkdownTextObject,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    SectionBlock,
    StaticSelectElement,
)

from bot.principals import Reason
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body

CATEGORIES = {
    "locked": "Locked account",
    "password": "Password",
    "second_factor": "Second factor or new phone",
    "other_account": "Somebody else's account",
    "access": "Access to an application or group",
    "compromise": "Signs of compromise",
    "other": "Something else",
}
"What a handoff turned out to be: value and words."

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
    Reason.MODEL_UNAVAILABLE: "The AI model did not answer",
    Reason.NOT_RELEASED: "This release of the agent has not passed its evaluation",
    Reason.ERROR: "A fault in the bot",
    Reason.REOPENED: "They wrote again after it was closed",
}
_TITLES = {
    "open": "Ticket {} needs a person",
    "claimed": "Ticket {} is with a person",
    "returned": "Ticket {} is back with the agent",
    "resolved": "Ticket {} is resolved",
    "cancelled": "Ticket {} was withdrawn",
}
_MOST_TRIED = 12
_CHILDREN = 10
"Blocks that a container may hold."
_TRANSCRIPT_SECTIONS = 40
"Sections of one message: with their containers under 50 blocks, should Slack count both."


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A handoff as its card shows it."""

    handoff_id: int
    ticket_id: int
    state: str
    "open, claimed, returned, resolved, cancelled"
    claimed_by: str | None
    lease_until: datetime | None
    requester: str
    "Slack user id."
    requester_zone: str | None
    "Name of their time zone."
    private: bool
    reason: Reason
    summary: str
    tried: tuple[tuple[str, str], ...]
    "Each tool that ran and what it returned, in words."
    account: str | None
    "State of the account, in words."
    cost_nusd: int
    opened_at: datetime
    waiting_since: datetime
    thread_link: str | None
    resolution: dict[str, Any] | None
    fell_back: bool
    "It could not be posted in the queue channel and went to the owner instead."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a conversation."""

    by: str
    "The mention of a person (`<@U0...>`), or the name of an agent."
    at: datetime
    text: str
    files: tuple[str, ...] = ()


def words(reason: Reason) -> str:
    """Say in words, to responders and owners, why a ticket went to a person."""
    return _WORDS[reason]


def card(view: HandoffView) -> Body:
    """Return the message that stands for a handoff in the queue channel."""
    title = _TITLES[view.state].format(view.ticket_id)
    blocks = [
        HeaderBlock(text=PlainTextObject(text=title)).to_dict(),
        mrkdwn.section(_standing(view)),
        _facts(view),
        mrkdwn.section("*What it is about*"),
        mrkdwn.section(mrkdwn.clamp(mrkdwn.quote(view.summary), mrkdwn.SECTION_CHARACTERS)),
        *_tried(view.tried),
        *_outcome(view.resolution),
    ]
    if view.fell_back:
        blocks.append(mrkdwn.context("You get this directly because I could not post it in the queue channel."))
    buttons = _buttons(view)
    if buttons:
        blocks.append(ActionsBlock(elements=buttons).to_dict())
    return {"text": f"{title}. {words(view.reason)}.", "blocks": blocks}


def transcript(lines: Sequence[Line]) -> list[Body]:
    """Return a whole conversation, folded, in as few messages as Slack's limits allow."""
    texts = [(number, text) for number, line in enumerate(lines, 1) for text in _spoken(line)]
    return [_folded(message, len(lines)) for message in _messages(texts)]


def resolve_modal(handoff_id: int) -> Block:
    """Return the view that asks a responder what came of a handoff (values under done, category, agent_could)."""
    done = PlainTextInputElement(action_id="done", multiline=True, min_length=1, max_length=2_000)
    category = StaticSelectElement(
        action_id="category",
        placeholder="Choose one",
        options=[Option(value=value, text=text) for value, text in CATEGORIES.items()],
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
    return _modal("handoff.resolved", handoff_id, "Resolve", "Resolve", blocks)


def reply_modal(handoff_id: int, requester: str) -> Block:
    """Return the view in which a responder writes to the requester (value under text)."""
    text = PlainTextInputElement(action_id="text", multiline=True, min_length=1, max_length=3_000)
    blocks = [
        mrkdwn.section(f"{mrkdwn.mention(requester)} gets this in their thread, under your name."),
        _input("text", "Your reply", text),
    ]
    return _modal("handoff.replied", handoff_id, "Reply to requester", "Send", blocks)


def _standing(view: HandoffView) -> str:
    """Say who has it, until when, and since when the requester waits."""
    who = mrkdwn.mention(view.claimed_by) if view.claimed_by else "somebody"
    waiting = f"waiting since {mrkdwn.date(view.waiting_since, mrkdwn.TIME + ' ({ago})')}"
    match view.state:
        case "open":
            return f"*Nobody has this yet.* The requester is {waiting}."
        case "claimed":
            until = f" until {mrkdwn.date(view.lease_until, '{time}')}" if view.lease_until else ""
            renewed = " A reply to the requester extends that." if view.lease_until else ""
            return f"*With {who}{until}.*{renewed} The requester has been {waiting}."
        case "resolved":
            return f"*Resolved by {who}.*"
        case "returned":
            return f"*Given back to the agent by {who}.*"
        case _:
            return "*Withdrawn.* Nothing is left to do here."


def _facts(view: HandoffView) -> Block:
    facts = {
        "Requester": mrkdwn.mention(view.requester) + _local_time(view),
        "Why": words(view.reason),
        "Account": mrkdwn.line(view.account or "not looked up", 300),
        "Cost so far": mrkdwn.dollars(view.cost_nusd),
        "Where": _place(view),
    }
    fields = [MarkdownTextObject(text=f"*{name}*\n{fact}", verbatim=True) for name, fact in facts.items()]
    return SectionBlock(fields=fields).to_dict()


def _local_time(view: HandoffView) -> str:
    if view.requester_zone is None:
        return ""
    zone = mrkdwn.line(view.requester_zone, 60)
    try:
        local = view.opened_at.astimezone(ZoneInfo(view.requester_zone))
    except (KeyError, ValueError, OSError):  # an unknown name, or a machine without time zones
        return f", in {zone}"
    return f"\nwrote at {local:%H:%M} their time ({zone})"


def _place(view: HandoffView) -> str:
    if view.private:
        return "A direct message with the bot; its transcript is in this thread"
    link = view.thread_link or ""
    openable = link.startswith(("https://", "http://")) and not set(link) & set("<>| \n")
    return f"<{link}|Their thread>" if openable else "A channel; the transcript is in this thread"


def _tried(tried: Sequence[tuple[str, str]]) -> Iterator[Block]:
    if not tried:
        yield mrkdwn.section("*What the agent tried*\nNothing yet.")
        return
    shown = [f"• `{mrkdwn.line(tool, 60).replace('`', '')}`: {mrkdwn.line(got, 150)}" for tool, got in tried]
    more = len(shown) - _MOST_TRIED
    tail = [f"… and {more} more steps."] if more > 0 else []
    yield mrkdwn.section("\n".join(["*What the agent tried*", *shown[:_MOST_TRIED], *tail]))


def _outcome(resolution: dict[str, Any] | None) -> Iterator[Block]:
    if resolution is None:
        return
    category = str(resolution.get("category") or "other")
    yield mrkdwn.section(f"*What was done* ({mrkdwn.line(CATEGORIES.get(category, category), 60)})")
    yield mrkdwn.section(mrkdwn.clamp(mrkdwn.quote(str(resolution.get("done") or "")), 2_500))
    could = "could" if resolution.get("agent_could") else "could not"
    yield mrkdwn.context(f"The responder says that the agent {could} have done this.")


def _buttons(view: HandoffView) -> list[ButtonElement]:
    value = str(view.handoff_id)
    match view.state:
        case "open":
            return [ButtonElement(text="Claim", action_id="handoff.claim", value=value, style="primary")]
        case "claimed":
            return [
                ButtonElement(text="Reply to requester", action_id="handoff.reply", value=value, style="primary"),
                ButtonElement(text="Resolve", action_id="handoff.resolve", value=value),
            ]
        case _:
            return []


def _spoken(line: Line) -> Iterator[str]:
    """Yield one line of a conversation in texts that each fit into a section."""
    by = mrkdwn.mention(line.by) if line.by.startswith("<@") else mrkdwn.line(line.by, 80)
    if line.text.strip() or not line.files:
        head = f"*{by}* {mrkdwn.date(line.at)}"
        for piece in mrkdwn.split_quote(mrkdwn.quote(line.text), mrkdwn.SECTION_CHARACTERS - 300):
            yield f"{head}\n{piece}"
            head = f"*{by}*, continued"
    if line.files:
        names = ", ".join(mrkdwn.line(name, 100) for name in line.files)
        yield f"*{by}* {mrkdwn.date(line.at)} attached {mrkdwn.clamp(names, 2_000)}"


def _messages(texts: Sequence[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Share numbered texts out over as few messages as hold them."""
    message: list[tuple[int, str]] = []
    size = 0
    for number, text in texts:
        if message and (size + len(text) > mrkdwn.LONGEST or len(message) == _TRANSCRIPT_SECTIONS):
            yield message
            message, size = [], 0
        message.append((number, text))
        size += len(text)
    if message:
        yield message


def _folded(message: Sequence[tuple[int, str]], total: int) -> Body:
    blocks = []
    for start in range(0, len(message), _CHILDREN):
        part = message[start : start + _CHILDREN]
        container = ContainerBlock(
            title=f"Transcript, {_lines(part, total)}",
            child_blocks=[mrkdwn.section(text) for _, text in part],
            is_collapsible=True,
            default_collapsed=True,
        )
        blocks.append(container.to_dict())
    return {"text": f"Transcript, {_lines(message, total)}.", "blocks": blocks}


def _lines(part: Sequence[tuple[int, str]], total: int) -> str:
    first, last = part[0][0], part[-1][0]
    return f"line {first} of {total}" if first == last else f"lines {first} to {last} of {total}"


def _input(name: str, label: str, element: InputInteractiveElement, *, hint: str | None = None) -> Block:
    return InputBlock(block_id=name, label=label, element=element, hint=hint).to_dict()


def _modal(callback_id: str, handoff_id: int, title: str, submit: str, blocks: list[Block]) -> Block:
    # A plain dict: slack_sdk's View drops blocks that it does not know.
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": str(handoff_id),
        "title": PlainTextObject(text=title).to_dict(),
        "submit": PlainTextObject(text=submit).to_dict(),
        "close": PlainTextObject(text="Cancel").to_dict(),
        "blocks": blocks,
    }

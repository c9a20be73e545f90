"""The App Home: what responders have to do, and what became of one's own requests. Pure.

Invariant: a home is the same as long as what it is about is the same. Ages are Slack's to count, so that
nothing is published for the passing of time; every button on it does something in the state that it shows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, HeaderBlock, PlainTextObject

from bot.principals import Reason
from bot.slack import mrkdwn
from bot.slack.handoffs import reasons
from bot.slack.mrkdwn import Block
from bot.slack.sentences import Language, say

MOST_OWN, MOST_OPEN, MOST_OTHERS, MOST_ASKED = 12, 30, 15, 10
"Entries of each part: with their buttons and headings 87 blocks, where Slack takes 100."
AGO = "{ago}"
SUMMARY_CHARACTERS, WORDS_CHARACTERS = 250, 150


Standing = Literal["agent", "answered", "yours", "waiting", "person", "resolved", "refused", "withdrawn"]
"""How a request stands: who has it, or whose turn it is: `yours` waits for its requester to use what was sent."""


@dataclass(frozen=True, slots=True)
class Item:
    """A handoff as responders see it in their home."""

    handoff_id: int
    ticket_id: int
    requester: str
    "Slack user id."
    private: bool
    reason: Reason
    words: str | None
    "How they began, in their own words; None when nothing of it is left."
    summary: str
    holder: str | None
    "Who has it; None while nobody has."
    lease_until: datetime | None
    waiting_since: datetime
    card_link: str | None
    thread_link: str | None


@dataclass(frozen=True, slots=True)
class WorklistPart:
    """Handoffs of one kind, the longest waiting first, and how many there are in all."""

    items: tuple[Item, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Worklist:
    """What a responder has to do."""

    responder: str
    "Slack user id."
    own: WorklistPart
    waiting: WorklistPart
    others: WorklistPart
    queues: tuple[str, ...]
    "Channels where all of it stands."


@dataclass(frozen=True, slots=True)
class Request:
    """A ticket as its requester sees it in their home."""

    ticket_id: int
    words: str | None
    "How it began."
    state: Standing
    holder: str | None
    "The person who has it."
    at: datetime
    "Since when it is so."
    link: str | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """What somebody's home shows."""

    worklist: Worklist | None
    "None for who is no responder."
    requests: tuple[Request, ...]
    "The newest first."
    channels: tuple[str, ...]
    "Where help is to be had."
    by_mention: bool = False
    "In one of them only what mentions the agent is heard."
    language: Language = "en"
    "Of what is said of their own requests; the worklist is English."


def home(view: HomeView) -> dict[str, Any]:
    """Return the view for `views.publish`, as a plain dict: slack_sdk's own drops blocks that it does not know."""
    worklist = [] if view.worklist is None else list(_worklist(view.worklist))
    return {"type": "home", "blocks": [*worklist, *_requests(view.requests, view.language), _how_to_ask(view)]}


def _worklist(worklist: Worklist) -> Iterator[Block]:
    if worklist.own.count:
        yield _heading(f"With you ({worklist.own.count})")
        for item in worklist.own.items[:MOST_OWN]:
            yield _own(item)
            yield _buttons(item)
        yield from _more(worklist.own, MOST_OWN, worklist.queues)
    yield _heading(f"Waiting for somebody ({worklist.waiting.count})")
    if not worklist.waiting.count:
        yield mrkdwn.section("Nobody is waiting.")
    for item in worklist.waiting.items[:MOST_OPEN]:
        yield _own_request(item) if item.requester == worklist.responder else _open(item)
    yield from _more(worklist.waiting, MOST_OPEN, worklist.queues)
    if worklist.others.count:
        yield _heading(f"With others ({worklist.others.count})")
        for item in worklist.others.items[:MOST_OTHERS]:
            yield _entry(item, f"With {_holder(item)}{_until(item)}. The requester has been {_waiting(item)}.")
        yield from _more(worklist.others, MOST_OTHERS, worklist.queues)


def _own(item: Item) -> Block:
    return _entry(item, f"Yours{_until(item)}. The requester has been {_waiting(item)}.")


def _open(item: Item) -> Block:
    entry = _entry(item, f"The requester has been {_waiting(item)}.")
    return {**entry, "accessory": _button(item, "Claim", "claim", style="primary").to_dict()}


def _own_request(item: Item) -> Block:
    return _entry(item, f"You have been {_waiting(item)}. It is your own request, so somebody else has to take it.")


def _entry(item: Item, standing: str) -> Block:
    """Return one handoff: what it is, how it stands, what it is about, where to read on."""
    head = f"*Ticket {item.ticket_id}* from {mrkdwn.mention(item.requester)}: {reasons.words(item.reason)}"
    about = f"> {mrkdwn.line(item.words or item.summary, SUMMARY_CHARACTERS)}"
    links = (_link(item.card_link, "Card"), None if item.private else _link(item.thread_link, "Their thread"))
    where = " · ".join(link for link in links if link)
    text = "\n".join(filter(None, (head, standing, about, where)))
    return {**mrkdwn.section(text), "block_id": f"handoff:{item.handoff_id}"}


def _buttons(item: Item) -> Block:
    buttons = [
        _button(item, "Reply to requester", "reply", style="primary"),
        _button(item, "Resolve", "resolve"),
        _button(item, "Give back", "give_back"),
        _button(item, "Reassign", "reassign"),
        _button(item, "Unclaim", "unclaim"),
    ]
    return ActionsBlock(block_id=f"handoff:{item.handoff_id}:moves", elements=buttons).to_dict()


def _button(item: Item, text: str, move: str, *, style: str | None = None) -> ButtonElement:
    return ButtonElement(text=text, action_id=f"handoff.{move}", value=str(item.handoff_id), style=style)


def _more(part: WorklistPart, most: int, queues: Sequence[str]) -> Iterator[Block]:
    left = part.count - len(part.items[:most])
    if left > 0:
        yield mrkdwn.context(f"and {left} more in {_channels(queues)}")


def _requests(requests: Sequence[Request], language: Language) -> Iterator[Block]:
    yield _heading(say("home.your_requests", language))
    if not requests:
        yield mrkdwn.section(say("home.none", language))
    for request in requests[:MOST_ASKED]:
        words = _unstyled(request.words) if request.words else say("home.ticket", language, number=request.ticket_id)
        link = _link(request.link, say("home.open_thread", language))
        facts = " · ".join(filter(None, (_state(request, language), mrkdwn.date(request.at, AGO), link)))
        yield {**mrkdwn.section(f"*{words}*\n{facts}"), "block_id": f"ticket:{request.ticket_id}"}


def _state(request: Request, language: Language) -> str:
    if request.state == "person" and request.holder:
        return say("home.with", language, who=mrkdwn.mention(request.holder))
    return say(f"home.{request.state}", language)


def _how_to_ask(view: HomeView) -> Block:
    channels = say("home.or", view.language).join(f"<#{channel}>" for channel in view.channels)
    key = "home.how_to_mention" if view.by_mention else "home.how_to_ask"
    return mrkdwn.context(say(key, view.language, channels=channels))


def _heading(text: str) -> Block:
    return HeaderBlock(text=PlainTextObject(text=text)).to_dict()


def _channels(channels: Sequence[str]) -> str:
    return " or ".join(f"<#{channel}>" for channel in channels)


def _holder(item: Item) -> str:
    return mrkdwn.mention(item.holder) if item.holder else "somebody"


def _until(item: Item) -> str:
    return f" until {mrkdwn.date(item.lease_until, '{time}')}" if item.lease_until else ""


def _waiting(item: Item) -> str:
    return f"waiting since {mrkdwn.date(item.waiting_since, f'{mrkdwn.TIME} ({AGO})')}"


def _unstyled(words: str) -> str:
    """Return untrusted words on one line, which no asterisk of theirs can turn from bold to plain."""
    return mrkdwn.line(words.replace("*", ""), WORDS_CHARACTERS)


def _link(address: str | None, label: str) -> str | None:
    return f"<{address}|{label}>" if address and mrkdwn.openable(address) else None

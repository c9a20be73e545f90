"""The App Home: a responder's worklist, and a person's own requests. Pure.

Invariant: a home changes only when its rows change. Slack itself counts ages, so that the passing of time needs no new
view. Every button does something in the state that the home shows.
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

MOST_OWN, MOST_OPEN, MOST_OTHERS, MOST_ASKED = 12, 20, 9, 10
"""The most entries of each part: with buttons, headings, what is to be approved and the proposed cases they are 100
blocks, the most that Slack takes."""
MOST_IDLE = 10
"The most agents of which it is said that they do not work."
AGO = "{ago}"
OPEN_DASHBOARD = "dashboard.open"
"Action id of the button that makes a link to the dashboard."
SUMMARY_CHARACTERS, WORDS_CHARACTERS = 250, 150


RequestState = Literal["agent", "answered", "yours", "waiting", "person", "resolved", "refused", "withdrawn"]
"""The state of a request, by who has it or whose turn it is; `yours` waits for its requester."""


@dataclass(frozen=True, slots=True)
class Item:
    """A handoff in a responder's home."""

    handoff_id: int
    ticket_id: int
    requester: str
    "Slack user id."
    private: bool
    reason: Reason
    words: str | None
    "The requester's first words; None when they are deleted."
    summary: str
    holder: str | None
    "Id of the person who has it; None while nobody has it."
    lease_until: datetime | None
    waiting_since: datetime
    card_link: str | None
    thread_link: str | None


@dataclass(frozen=True, slots=True)
class WorklistPart:
    """Some handoffs of one kind, the longest waiting first, and the number of all of them."""

    items: tuple[Item, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Worklist:
    """The handoffs that a responder can act on."""

    responder: str
    "Slack user id."
    own: WorklistPart
    waiting: WorklistPart
    others: WorklistPart
    queues: tuple[str, ...]
    "The queue channels that have all of them."


@dataclass(frozen=True, slots=True)
class Request:
    """A ticket in its requester's home."""

    ticket_id: int
    words: str | None
    "The requester's first words; None when they are deleted."
    state: RequestState
    holder: str | None
    "Id of the person who has it; None while nobody has it."
    at: datetime
    "Since when it is in this state."
    link: str | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """The content of one person's home."""

    worklist: Worklist | None
    "None for people who are not responders."
    requests: tuple[Request, ...]
    "The newest first."
    channels: tuple[str, ...]
    "The help channels."
    dashboard: bool = False
    "Whether the person may open the dashboard, and there is one."
    to_approve: tuple[Block, ...] = ()
    "What waits for the person as an approver, as `bot.slack.approvals.approval_home` builds it."
    proposed: tuple[Block, ...] = ()
    "The proposed cases of the person, as `bot.slack.reports.case_form` builds them."
    idle: tuple[str, ...] = ()
    "A line for each agent of a responder or owner that does not work now."
    by_mention: bool = False
    "Whether in one of them the agent only hears messages that mention it."
    language: Language = "en"
    "The language of the part with their own requests; the worklist is in English."


def home(view: HomeView) -> dict[str, Any]:
    """Return the view for `views.publish`, a plain dict: in slack_sdk's class a block that it does not know is null."""
    worklist = [] if view.worklist is None else list(_worklist(view.worklist))
    dashboard = [_dashboard()] if view.dashboard else []
    idle = [mrkdwn.section(line) for line in view.idle]
    return {
        "type": "home",
        "blocks": [
            *dashboard,
            *idle,
            *view.to_approve,
            *worklist,
            *view.proposed,
            *_requests(view.requests, view.language),
            _how_to_ask(view),
        ],
    }


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


def _dashboard() -> Block:
    """Return the button for the dashboard. It holds no link, because a home stays as it is for days."""
    return ActionsBlock(
        elements=[ButtonElement(text="Open the dashboard", action_id=OPEN_DASHBOARD, value="-")]
    ).to_dict()


def _own(item: Item) -> Block:
    return _entry(item, f"Yours{_until(item)}. The requester has been {_waiting(item)}.")


def _open(item: Item) -> Block:
    entry = _entry(item, f"The requester has been {_waiting(item)}.")
    return {**entry, "accessory": _button(item, "Claim", "claim", style="primary").to_dict()}


def _own_request(item: Item) -> Block:
    return _entry(item, f"You have been {_waiting(item)}. It is your own request, so somebody else has to take it.")


def _entry(item: Item, state: str) -> Block:
    """Return one handoff: its ticket, its state, its first words, and links."""
    head = f"*Ticket {item.ticket_id}* from {mrkdwn.mention(item.requester)}: {reasons.words(item.reason)}"
    about = f"> {mrkdwn.line(item.words or item.summary, SUMMARY_CHARACTERS)}"
    links = (_link(item.card_link, "Card"), None if item.private else _link(item.thread_link, "Their thread"))
    where = " · ".join(link for link in links if link)
    text = "\n".join(filter(None, (head, state, about, where)))
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
    """Return untrusted words on one line without asterisks, which would end bold text."""
    return mrkdwn.line(words.replace("*", ""), WORDS_CHARACTERS)


def _link(address: str | None, label: str) -> str | None:
    return f"<{address}|{label}>" if address and mrkdwn.openable(address) else None

"""What responders see of a handoff: its card in the queue channel.

Invariant: a card is true for the state it was built from, and every button on it does something in that
state. What a person, a tool or the model said stands in blocks of its own and cannot pass for ours.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.principals import AccountStatus, Reason
from bot.slack import mrkdwn
from bot.slack.handoffs import reasons
from bot.slack.mrkdwn import Block, Body
from bot.store.handoffs.handoffs import RAISED
from bot.store.schema import Handoff, Ticket

_ACCOUNTS: dict[str, str] = {
    AccountStatus.ACTIVE: "the account is active",
    AccountStatus.LOCKED: "the account is locked",
    AccountStatus.PASSWORD_EXPIRED: "the password has expired",
    AccountStatus.SUSPENDED: "the account is suspended",
    AccountStatus.DISABLED: "the account is disabled",
    AccountStatus.DEPARTED: "the account is of somebody who has left",
}
_TITLES = {
    "open": "Ticket {} needs a person",
    "claimed": "Ticket {} is with a person",
    "returned": "Ticket {} is back with the agent",
    "resolved": "Ticket {} is resolved",
    "cancelled": "Ticket {} was withdrawn",
}
_MOST_TRIED = 4
_WORDS_CHARACTERS, _SUMMARY_CHARACTERS, _RESULT_CHARACTERS = 300, 600, 90
"Of a card that is read in five seconds; all of it stands in its thread."
_ZONE = re.compile(r"[\w+-]{1,30}(/[\w+-]{1,30}){0,2}", re.ASCII)
"What the name of a time zone looks like: looking up one of a thousand parts overflows the stack."


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A handoff as its card shows it."""

    handoff_id: int
    ticket_id: int
    state: str
    "open, claimed, returned, resolved, cancelled"
    claimed_by: str | None
    "Who has it, or had it when it ended."
    lease_until: datetime | None
    openings: int
    "How often it has come to be open."
    lapses: int
    "Claims of it that ended by themselves."
    requester: str
    "Slack user id."
    words: str | None
    "How they began, in their own words; None when nothing of it is left."
    requester_zone: str | None
    "Name of their time zone."
    private: bool
    reason: Reason
    summary: str
    tried: tuple[tuple[str, str], ...]
    "Each tool that ran and what it returned, in words."
    account: str | None
    "State of the account, as the directory has it."
    cost_nusd: int
    "What the ticket had cost when it was handed off."
    calls: int | None
    "Of models, until then; None on a card from before they were counted."
    opened_at: datetime
    waiting_since: datetime
    first_word_at: datetime | None
    "When a person first wrote to the requester."
    closed_at: datetime | None
    before: tuple[str, str, str] | None
    "What became of the handoff before this one: resolved or returned, by whom, and in their words."
    thread_link: str | None
    resolution: dict[str, Any] | None
    raised_by: str | None
    "The owner whose raise has let the agent go on with it."
    withheld: bool
    "Others read the channel, and this was said in private: the card shows none of it."
    of_account: bool
    "Its agent works on accounts."
    fell_back: bool
    "It could not be posted in the queue channel and went to the owner instead."


WITHHELD = (
    "This was said in a direct message, and others read this channel too, so nothing of it is shown here. "
    "Whoever claims it gets the conversation in a direct message, and may answer from there."
)


def view_of(handoff: Handoff, ticket: Ticket, words: str | None) -> HandoffView:
    """Return what the card shows, of which the rows know all but the requester's first words."""
    context = handoff.context
    return HandoffView(
        handoff_id=handoff.id,
        ticket_id=ticket.id,
        state=handoff.state,
        claimed_by=handoff.claimed_by,
        lease_until=handoff.lease_until,
        openings=handoff.openings,
        lapses=handoff.lapses,
        requester=ticket.requester,
        words=words,
        requester_zone=context.get("zone"),
        private=ticket.private,
        reason=Reason(handoff.reason),
        summary=handoff.summary,
        tried=tuple((name, said) for name, said in context.get("tried", ())),
        account=context.get("account"),
        cost_nusd=int(context.get("cost_nusd", 0)),
        calls=context.get("calls"),
        opened_at=handoff.opened_at,
        waiting_since=handoff.waiting_since,
        first_word_at=handoff.first_word_at,
        closed_at=handoff.closed_at,
        before=tuple(context["before"]) if context.get("before") else None,
        thread_link=context.get("link"),
        resolution=handoff.resolution,
        raised_by=(context.get(RAISED) or {}).get("by"),
        withheld=bool(context.get("withheld")),
        of_account=bool(context.get("of_account", True)),
        fell_back=bool(context.get("fell_back")),
    )


def card(view: HandoffView) -> Body:
    """Return the message that stands for a handoff in the queue channel: who, their words, their account, what next."""
    view = _withholding(view) if view.withheld else view
    title = _TITLES[view.state].format(view.ticket_id)
    theirs = "" if view.words is None else f"\n{mrkdwn.quote(mrkdwn.clamp(view.words, _WORDS_CHARACTERS))}"
    blocks = [
        mrkdwn.section(f"*{title}* · {mrkdwn.mention(view.requester)} · {_standing(view)}{theirs}"),
        mrkdwn.context(" · ".join(_facts(view))),
        *_before(view.before),
        *_summary(view),
        *_tried(view.tried),
        *_outcome(view.resolution),
    ]
    if view.fell_back:
        blocks.append(mrkdwn.context("You get this directly because I could not post it in the queue channel."))
    buttons = _buttons(view)
    if buttons:
        blocks.append(ActionsBlock(elements=buttons).to_dict())
    told = reasons.words(view.reason) if view.words is None else mrkdwn.line(view.words, _WORDS_CHARACTERS)
    return {"text": f"{title}. {told}", "blocks": blocks}


def _withholding(view: HandoffView) -> HandoffView:
    """Return what a card shows where others read along: that somebody waits, and nothing of what was said or seen."""
    return replace(view, words=None, summary=WITHHELD, tried=(), account=None, before=None, resolution=None)


def _standing(view: HandoffView) -> str:
    """Say who has it, until when, and since when the requester waits."""
    who = mrkdwn.mention(view.claimed_by) if view.claimed_by else "somebody"
    waiting = f"waiting since {mrkdwn.date(view.waiting_since, '{time} ({ago})')}"
    ended = f" {mrkdwn.date(view.closed_at)}" if view.closed_at else ""
    match view.state:
        case "open":
            again = "" if view.openings == 1 else "nobody has this any more · "
            return f"{again}{waiting}.{_lapsed(view.lapses)}"
        case "claimed":
            until = f" until {mrkdwn.date(view.lease_until, '{time}')}" if view.lease_until else ""
            longer = ", longer while they write" if view.lease_until else ""
            word = "has been answered" if view.first_word_at else f"{waiting}, with no answer yet"
            return f"{word}\n*With {who}{until}*{longer}."
        case "returned" if view.raised_by is not None:
            return f"{mrkdwn.mention(view.raised_by)} raised the budget{ended}; the agent goes on."
        case "resolved" | "returned":
            return f"by {who}{ended}."
        case _:
            return f"nothing is left to do here{ended}."


def _lapsed(times: int) -> str:
    return "" if not times else " A claim of it lapsed." if times == 1 else f" {times} claims of it lapsed."


def _before(before: tuple[str, str, str] | None) -> Iterator[Block]:
    if before is None:
        return
    state, by, said = before
    did = "resolved it" if state == "resolved" else "gave it back to the agent"
    yield mrkdwn.section(f"*Before that* {mrkdwn.mention(by)} {did}:")
    yield mrkdwn.section(mrkdwn.clamp(mrkdwn.quote(said), 1_000))


def _facts(view: HandoffView) -> Iterator[str]:
    """Yield what is known, the most telling first."""
    yield f"*{reasons.words(view.reason)}*"
    if view.account is not None:
        yield _ACCOUNTS.get(view.account) or f"the account is {mrkdwn.line(view.account.replace('_', ' '), 100)}"
    elif view.of_account and not view.withheld:
        yield "the account was not looked up"
    yield from _local_time(view)
    yield _place(view)
    yield _cost(view)


def _summary(view: HandoffView) -> Iterator[Block]:
    """Yield what the agent makes of it, without a sentence that says the words that stand above."""
    said = view.summary.replace(view.requester, "they")
    quoted = "" if view.words is None else f'"{" ".join(view.words.split())}"'
    at = said.find(quoted) if quoted else -1
    if at >= 0:
        begins = max(said.rfind(end, 0, at) for end in ".!?") + 1
        said = said[:begins] + said[at + len(quoted) :].lstrip(".")
    if said.strip():
        yield mrkdwn.section(mrkdwn.clamp(mrkdwn.quote(said.strip()), _SUMMARY_CHARACTERS))


def _local_time(view: HandoffView) -> Iterator[str]:
    if view.requester_zone is None:
        return
    zone = mrkdwn.line(view.requester_zone, 60)
    if not _ZONE.fullmatch(view.requester_zone):
        yield f"in {zone}"
        return
    try:
        local = view.opened_at.astimezone(ZoneInfo(view.requester_zone))
    except (KeyError, ValueError, OSError):  # an unknown name, or a machine without time zones
        yield f"in {zone}"
    else:
        yield f"{local:%H:%M} their time ({zone})"


def _place(view: HandoffView) -> str:
    if view.private:
        return "a direct message with the bot" + ("" if view.withheld else "; its transcript is in this thread")
    if view.thread_link and mrkdwn.openable(view.thread_link):
        return f"<{view.thread_link}|Their thread>"
    return "a channel; the transcript is in this thread"


def _tried(tried: Sequence[tuple[str, str]]) -> Iterator[Block]:
    if not tried:
        return
    shown = [
        f"{mrkdwn.line(_said(tool), 60)}: {mrkdwn.line(got.replace('_', ' '), _RESULT_CHARACTERS)}"
        for tool, got in tried
    ]
    more = len(shown) - _MOST_TRIED
    tail = [f"and {more} more steps"] if more > 0 else []
    yield mrkdwn.context(" · ".join(["The agent tried", *shown[:_MOST_TRIED], *tail]))


def _said(tool: str) -> str:
    """Return the name of a tool in words; whose account it is goes without saying."""
    return " ".join(word for word in tool.split("_") if word != "my")


def _outcome(resolution: dict[str, Any] | None) -> Iterator[Block]:
    if resolution is None:
        return
    what = resolution.get("words") or str(resolution.get("category") or "other").replace("_", " ").capitalize()
    yield mrkdwn.section(f"*What was done* ({mrkdwn.line(str(what), 75)})")
    yield mrkdwn.section(mrkdwn.clamp(mrkdwn.quote(str(resolution.get("done") or "")), 2_500))
    could = "could" if resolution.get("agent_could") else "could not"
    yield mrkdwn.context(f"The responder says that the agent {could} have done this.")


def _cost(view: HandoffView) -> str:
    calls = "" if view.calls is None else " (1 model call)" if view.calls == 1 else f" ({view.calls:,} model calls)"
    return f"{mrkdwn.dollars(view.cost_nusd)}{calls}"


def _buttons(view: HandoffView) -> list[ButtonElement]:
    match view.state:
        case "open":
            return [_button("Claim", "claim", view, style="primary")]
        case "claimed":
            return [
                _button("Reply to requester", "reply", view, style="primary"),
                _button("Resolve", "resolve", view),
                _button("Give back", "give_back", view),
                _button("Reassign", "reassign", view),
                _button("Release", "release", view),
            ]
        case _:
            return []


def _button(text: str, move: str, view: HandoffView, *, style: str | None = None) -> ButtonElement:
    return ButtonElement(text=text, action_id=f"handoff.{move}", value=str(view.handoff_id), style=style)

"""The card of a handoff in the queue channel.

Invariant: a card is true for the state that it was built from, and every button does something in that state. Words of
a person or the model are a quotation of one line, and cannot pass for ours.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.slack import mrkdwn
from bot.slack.handoffs import handoff_facts, reasons
from bot.slack.handoffs.handoff_facts import HandoffView
from bot.slack.mrkdwn import Block, Body
from bot.store.schema import HandoffState

_TITLES = {
    HandoffState.OPEN: "Ticket {} needs a person",
    HandoffState.CLAIMED: "Ticket {} is with a person",
    HandoffState.RETURNED: "Ticket {} is back with the agent",
    HandoffState.RESOLVED: "Ticket {} is resolved",
    HandoffState.CANCELLED: "Ticket {} was withdrawn",
}
_LINE, _WORDS_WIDTH, _SUMMARY_WIDTH, _DONE_WIDTH = 95, 190, 160, 190
"""Widths in letters, so that a card is read in five seconds: 95 letters are one line. Three cards fit on a screen while
the words, the summary and the earlier end take three lines together; the thread has all of them in full."""
_FACT_CHARACTERS = 200
"The most characters of one fact."
_ZONE = re.compile(r"[\w+-]{1,30}(/[\w+-]{1,30}){0,2}", re.ASCII)
"The name of a time zone; looking up a name of a thousand parts would overflow the stack."
PROPOSE = "case.propose"
"Action id of the button that proposes a resolved handoff as an evaluation case."
WITHHELD = (
    "This was said in a direct message, and others read here. Whoever claims it gets the conversation directly, "
    "and may answer from there."
)


def card(view: HandoffView) -> Body:
    """Return the card: the requester, their words, their account, and what to do.

    A claimed or closed card is shorter: its readers have the ticket, or only want to see how it ended.
    """
    view = _withholding(view) if view.withheld else view
    title = _TITLES[view.state].format(view.ticket_id)
    head = f"*{title}* · {mrkdwn.mention(view.requester)} · {_status(view)}"
    theirs = "" if view.words is None else f"\n{_quoted(view.words, _LINE if view.before else _WORDS_WIDTH)}"
    match view.state:
        case HandoffState.OPEN:
            claim = _button("Claim", "claim", view, style="primary").to_dict()
            blocks = [{**mrkdwn.section(head + theirs), "accessory": claim}, *_open(view)]
        case HandoffState.CLAIMED:
            facts = (*_why(view), *_local_time(view), _place(view))
            blocks = [mrkdwn.section(head + theirs), mrkdwn.context(" · ".join(facts))]
        case HandoffState.RESOLVED:
            blocks = [mrkdwn.section(head), *(_outcome(view.resolution) if view.resolution is not None else ())]
            if view.proposed_by is not None:
                blocks.append(mrkdwn.context(f"Proposed as a case by {mrkdwn.mention(view.proposed_by)}."))
        case HandoffState.RETURNED | HandoffState.CANCELLED:
            blocks = [mrkdwn.section(head)]
        case _:
            assert_never(view.state)
    if view.fell_back:
        blocks.append(mrkdwn.context("You get this directly because I could not post it in the queue channel."))
    buttons = _buttons(view)
    if buttons:
        blocks.append(ActionsBlock(elements=buttons).to_dict())
    notification = reasons.words(view.reason) if view.words is None else mrkdwn.line(view.words, _WORDS_WIDTH)
    return {"text": f"{title}. {notification}", "blocks": blocks}


def _withholding(view: HandoffView) -> HandoffView:
    """Return a view without the words and the account, for a channel that others read."""
    unseen = replace(view, account=None, account_reason=None, barred=None, tried=())
    return replace(unseen, words=None, summary=WITHHELD, before=None, resolution=None)


def _status(view: HandoffView) -> str:
    """Return who has the handoff, until when, and since when the requester waits."""
    who = mrkdwn.mention(view.claimed_by) if view.claimed_by else "somebody"
    waiting = f"waiting since {mrkdwn.date(view.waiting_since, '{time} ({ago})')}"
    ended = f" {mrkdwn.date(view.closed_at)}" if view.closed_at else ""
    match view.state:
        case HandoffState.OPEN:
            again = "" if view.openings == 1 else "nobody has this now · "
            return f"{again}{waiting}.{_expired(view.expiries)}"
        case HandoffState.CLAIMED:
            until = f" until {mrkdwn.date(view.lease_until, '{time}')}" if view.lease_until else ""
            longer = ", longer while they write" if view.lease_until else ""
            word = "has been answered" if view.first_response_at else f"{waiting}, with no answer yet"
            return f"*With {who}{until}*{longer} · {word}"
        case HandoffState.RETURNED if view.raised_by is not None:
            return f"{mrkdwn.mention(view.raised_by)} raised the budget{ended}; the agent goes on."
        case HandoffState.RETURNED if view.claimed_by is None:
            return f"the directory answers again{ended}; the agent goes on."
        case HandoffState.RESOLVED | HandoffState.RETURNED:
            return f"by {who}{ended}."
        case HandoffState.CANCELLED:
            return f"nothing is left to do here{ended}."
        case _:
            assert_never(view.state)


def _expired(times: int) -> str:
    return "" if not times else " A claim of it expired." if times == 1 else f" {times} claims of it expired."


def _open(view: HandoffView) -> Iterator[Block]:
    """Yield the blocks of an open card: the reason and the account, the earlier end, the summary, what was tried."""
    short = view.words is None or mrkdwn.brief(view.words, _LINE) == " ".join(mrkdwn.visible(view.words).split())
    summary = handoff_facts.summary(view)
    quoted = [*_before(view.before)]
    if summary:
        quoted.append(_quoted(summary, _SUMMARY_WIDTH if short and not quoted else _LINE))
    yield mrkdwn.section("\n".join([" · ".join(_why(view)), *quoted]))
    tried = handoff_facts.tried(view, summary)
    yield mrkdwn.context(" · ".join([*tried, *_local_time(view), _place(view), mrkdwn.dollars(view.cost_nusd)]))


def _before(before: tuple[str, str, str] | None) -> Iterator[str]:
    if before is None:
        return
    state, by, words = before
    did = "resolved it" if state == HandoffState.RESOLVED else "gave it back to the agent"
    yield f"> Before that {mrkdwn.mention(by)} {did}: {mrkdwn.line(mrkdwn.brief(words, _LINE - 30), _FACT_CHARACTERS)}"


def _why(view: HandoffView) -> Iterator[str]:
    """Yield the reason, with what is to be done while the handoff is open, and the facts about the account."""
    to_do = f": {reasons.to_do(view.reason)}" if view.state is HandoffState.OPEN else ""
    yield f"*{reasons.words(view.reason)}*{to_do}"
    if view.people is not None:
        yield f"*{_affected(view.people)}*; this is for all of them"
    for fact in handoff_facts.known(view):
        yield mrkdwn.line(fact, _FACT_CHARACTERS)


def _affected(people: int) -> str:
    """Return how many people a surge affects, in words."""
    return "1 person is affected" if people == 1 else f"{people} people are affected"


def _quoted(text: str, width: int) -> str:
    """Return untrusted text as a quotation of one line, cut at a width in letters."""
    return mrkdwn.quote(mrkdwn.brief(text, width))


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
        yield f"{local:%H:%M} in {zone.rpartition('/')[2].replace('_', ' ')}"


def _place(view: HandoffView) -> str:
    if view.private:
        return "a direct message with the bot"
    if view.thread_link and mrkdwn.openable(view.thread_link):
        return f"<{view.thread_link}|Their thread>"
    return "a channel; the transcript is in this thread"


def _outcome(resolution: dict[str, Any]) -> Iterator[Block]:
    what = resolution.get("words") or str(resolution.get("category") or "other").replace("_", " ").capitalize()
    yield mrkdwn.section(_quoted(str(resolution.get("done") or ""), _DONE_WIDTH))
    could = "could" if resolution.get("agent_could") else "could not"
    yield mrkdwn.context(f"{mrkdwn.line(str(what), 75)} · The responder says that the agent {could} have done this.")


def _buttons(view: HandoffView) -> list[ButtonElement]:
    """Return the buttons below a claimed or resolved card; that of an open card is beside its first lines."""
    if view.state is HandoffState.RESOLVED and view.proposed_by is None:
        return [ButtonElement(text="Propose as a case", action_id=PROPOSE, value=str(view.handoff_id))]
    if view.state is not HandoffState.CLAIMED:
        return []
    return [
        _button("Reply to requester", "reply", view, style="primary"),
        _button("Resolve", "resolve", view),
        _button("Give back", "give_back", view),
        _button("Reassign", "reassign", view),
        _button("Unclaim", "unclaim", view),
    ]


def _button(text: str, move: str, view: HandoffView, *, style: str | None = None) -> ButtonElement:
    return ButtonElement(text=text, action_id=f"handoff.{move}", value=str(view.handoff_id), style=style)

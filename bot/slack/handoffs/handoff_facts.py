"""The facts on a handoff's card as plain text, each once, although several writers may state it.

Invariant: no part repeats a fact of another part, or what the requester wrote.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.principals import AccountStatus, Reason
from bot.slack import mrkdwn
from bot.slack.handoffs import reasons, repeats
from bot.store.schema import Handoff, HandoffState, Ticket

_ACCOUNTS: dict[str, str] = {
    AccountStatus.ACTIVE: "own account is active",
    AccountStatus.LOCKED: "own account is locked",
    AccountStatus.PASSWORD_EXPIRED: "their password has expired",
    AccountStatus.SUSPENDED: "own account is suspended",
    AccountStatus.DISABLED: "own account is disabled",
    AccountStatus.DEPARTED: "own account is departed: its owner has left",
}
_REASONED = (AccountStatus.LOCKED, AccountStatus.SUSPENDED)
"States for which the directory gives a reason."
_MOST_TRIED = 4
_REFUSED = "refused"
_RESULT_WIDTH, _REASON_WIDTH = 60, 80
_A_PERSONS = " is a person's work"
_STATE_IS_A_PERSONS = f"An account in this state{_A_PERSONS}."
"A sentence that is left out, because the card shows the state."
_TOOL = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
"The name of a tool in the agent's text."


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A handoff as its card shows it."""

    handoff_id: int
    ticket_id: int
    state: HandoffState
    claimed_by: str | None
    "Id of the person who has it, or who had it when it ended."
    lease_until: datetime | None
    openings: int
    "How often it has become open."
    expiries: int
    "How many claims of it have expired."
    requester: str
    "Slack user id."
    words: str | None
    "The requester's first words; None when they are deleted."
    requester_zone: str | None
    "The name of the requester's time zone."
    private: bool
    reason: Reason
    summary: str
    tried: tuple[tuple[str, str], ...]
    "Each tool that ran, and its result in words."
    account: str | None
    "The state of the account in the directory."
    account_reason: str | None
    "The directory's reason for that state."
    barred: str | None
    "Why every change to it is a person's work."
    cost_nusd: int
    "The cost of the ticket until it was handed off."
    opened_at: datetime
    waiting_since: datetime
    first_response_at: datetime | None
    "When a person first wrote to the requester."
    closed_at: datetime | None
    before: tuple[str, str, str] | None
    "The end of the handoff before this one: its state (resolved or returned), who ended it, and their words."
    thread_link: str | None
    resolution: dict[str, Any] | None
    withheld: bool
    "Whether the card must show none of the words: they are private, and others read the channel."
    people: int | None
    "How many people are affected by the surge whose parent it is; None if it is none."
    raised_by: str | None
    "The owner whose raise let the agent go on; None without one."
    of_account: bool
    "Whether its agent works on accounts."
    proposed_by: str | None
    "Who has proposed it as an evaluation case."
    fell_back: bool
    "Whether the card went to the owner, because it could not be posted in the queue channel."


def view_of(handoff: Handoff, ticket: Ticket, words: str | None) -> HandoffView:
    """Return what the card shows, from the rows and the requester's first words."""
    context = handoff.context
    return HandoffView(
        handoff_id=handoff.id,
        ticket_id=ticket.id,
        state=handoff.state,
        claimed_by=handoff.claimed_by,
        lease_until=handoff.lease_until,
        openings=handoff.openings,
        expiries=handoff.expiries,
        requester=ticket.requester,
        words=words,
        requester_zone=context.zone,
        private=ticket.private,
        reason=Reason(handoff.reason),
        summary=handoff.summary,
        tried=context.tried,
        account=context.account,
        account_reason=context.account_reason,
        barred=context.barred,
        cost_nusd=context.cost_nusd,
        opened_at=handoff.opened_at,
        waiting_since=handoff.waiting_since,
        first_response_at=handoff.first_response_at,
        closed_at=handoff.closed_at,
        before=context.before,
        thread_link=context.link,
        resolution=handoff.resolution,
        withheld=context.withheld,
        people=None if context.surge is None else context.surge.people,
        raised_by=None if context.raised is None else context.raised.by,
        of_account=context.of_account,
        proposed_by=context.proposed_by,
        fell_back=context.fell_back,
    )


def known(view: HandoffView) -> Iterator[str]:
    """Yield the facts about the account as plain text, each once."""
    looked = any(name.startswith("look_up") for name, _ in view.tried)
    if view.account is not None:
        yield _state(view)
    elif view.of_account and not view.withheld and not looked:
        yield "own account was not looked up"
    own = repeats.without(view.barred or "", [reasons.words(view.reason), *_state_in_full(view)])
    own = own.replace(_STATE_IS_A_PERSONS, "").strip()
    if view.reason is Reason.OUT_OF_POLICY:
        own = own.replace(_A_PERSONS, "")  # the reason says the same
    if own:
        yield own[:1].lower() + own[1:].rstrip(".")


def summary(view: HandoffView) -> str:
    """Return the agent's summary as plain text, without what the card says above it."""
    text = view.summary.replace(f"<@{view.requester}>", "they").replace(view.requester, "they")
    text = _TOOL.sub(lambda found: in_words(found[0]), text)
    fresh = " ".join(one for one in repeats.sentences(text) if not _is_told(view, one))
    shown = [view.words or "", *(view.before[2:] if view.before else ())]
    fresh = repeats.without(fresh, _above(view), shown)
    return fresh[:1].upper() + fresh[1:]


def _above(view: HandoffView) -> list[str]:
    return [reasons.words(view.reason), reasons.to_do(view.reason), *known(view), *_state_in_full(view)]


def _is_told(view: HandoffView, sentence: str) -> bool:
    """Return whether the reason, or the bar of the account, already says what a sentence of the summary says."""
    return reasons.is_said(view.reason, sentence) or bool(view.barred and _A_PERSONS in sentence)


def _state(view: HandoffView) -> str:
    state = _ACCOUNTS.get(str(view.account)) or f"own account is {str(view.account).replace('_', ' ')}"
    why = view.account_reason if view.account in _REASONED else None
    return f"{state}: {mrkdwn.brief(why, _REASON_WIDTH)}" if why else state


def _state_in_full(view: HandoffView) -> list[str]:
    """Return the state of the account in all the words that a summary may use for it."""
    if view.account is None:
        return []
    status = view.account.replace("_", " ")
    return [f"{_state(view)}, the account is {status}, the directory's reason: {view.account_reason}"]


def tried(view: HandoffView, summary: str) -> Iterator[str]:
    """Yield, as one text, what the agent tried with the results that are not said above; each tool is named once."""
    said = [*_above(view), *repeats.sentences(summary)]
    came: dict[str, dict[str, None]] = {}
    for tool, got in view.tried[:_MOST_TRIED]:
        name, result = in_words(tool), mrkdwn.brief(_result(view, got, said), _RESULT_WIDTH)
        if result not in ("", _REFUSED) or repeats.without(name, said):
            came.setdefault(name, {}).update({result: None} if result else {})
    shown = [
        mrkdwn.line(": ".join([name, *filter(None, ["; ".join(got)])]), 3 * _RESULT_WIDTH) for name, got in came.items()
    ]
    more = len(view.tried) - _MOST_TRIED
    shown += [f"and {more} more steps"] if more > 0 else []
    if shown:
        yield f"The agent tried: {'; '.join(shown)}"


def _result(view: HandoffView, got: str, said: Sequence[str]) -> str:
    """Return the part of a tool's result that the card does not say elsewhere."""
    kind, _, why = got.partition(": ")
    if kind == _REFUSED:
        if view.barred:
            return kind  # every change is refused, and the card says why above
        fresh = [
            one
            for one in re.split(r"(?<=[:;,]) ", _TOOL.sub(lambda found: in_words(found[0]), why))
            if repeats.without(one, said)
        ]
        return ": ".join([kind, *filter(None, [" ".join(fresh).rstrip(" .:;,")])])
    above = {f"status: {view.account}", f"lock reason: {view.account_reason}", "for a person: yes", "done: yes"}
    facts = [one for one in got.split(", ") if one not in above and kind != "withheld"]
    return ", ".join(facts).replace("status: ", "").replace("_", " ")


def in_words(tool: str) -> str:
    """Return the name of a tool in words, without the word `my`."""
    return " ".join(word for word in tool.split("_") if word != "my")

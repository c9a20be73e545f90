"""The card of an approval in the queue channel, and what somebody reads who comes too late to decide it.

Invariant: a card is true for the state that it was built from, every button does something in that state, and all that
is not our own words is plain text.
"""

import re
from datetime import datetime
from typing import assert_never

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.principals import USER_ID, ProofKind, SecondStep
from bot.slack import mrkdwn
from bot.slack.approvals import approval_facts
from bot.slack.approvals.approval_facts import ApprovalView
from bot.slack.mrkdwn import Body
from bot.store.schema import ApprovalState, WithdrawCause

_TITLES = {
    ApprovalState.PROVING: "Ticket {}: who is asking?",
    ApprovalState.ASKED: "Ticket {} needs an approval",
    ApprovalState.APPROVED: "Ticket {}: approved",
    ApprovalState.USED: "Ticket {}: approved and begun",
    ApprovalState.DENIED: "Ticket {}: denied",
    ApprovalState.EXPIRED: "Ticket {}: not decided in time",
    ApprovalState.WITHDRAWN: "Ticket {}: withdrawn",
}
WITHHELD = (
    "What will be done, and to which account, was asked in a direct message, and others read here. "
    "Approvers see it in the form that the button opens."
)
_ENDED_BY = {
    WithdrawCause.DELETED: "The requester deleted the request",
    WithdrawCause.TAKEN: "A person took the ticket",
    WithdrawCause.SUSPENDED: "The agent was suspended",
    WithdrawCause.CHANGED: "The arguments, the rules, the release or the account have changed, which was seen",
    WithdrawCause.TAKEN_BACK: "The requester took it back",
    WithdrawCause.REFUSED_PROOF: "On another factor of theirs somebody said that it was not they who asked:",
}
"What withdrew it; when that was is said behind it."


def card(view: ApprovalView) -> Body:
    """Return the card: who asks, what will be done to which account, what is known, and what to decide."""
    title, withheld = _TITLES[view.state].format(view.ticket_id), view.withheld
    head = f"*{title}* · {mrkdwn.mention(view.requester)} · {status(view)}"
    shown = WITHHELD if withheld else approval_facts.plan(view)
    blocks = [mrkdwn.section(head), mrkdwn.plain(shown)]
    if view.state in (ApprovalState.PROVING, ApprovalState.ASKED) and not withheld:
        blocks.append(mrkdwn.plain(approval_facts.evidence(view)))
    if view.reason and not withheld:
        blocks.append(mrkdwn.plain(f"Why: {mrkdwn.brief(view.reason, mrkdwn.SECTION_CHARACTERS - 10)}"))
    blocks.append(mrkdwn.context(" · ".join(filter(None, (approval_facts.proved_by(view), _place(view))))))
    buttons = _buttons(view)
    if buttons:
        blocks.append(ActionsBlock(elements=buttons).to_dict())
    notification = "" if withheld else f" {mrkdwn.line(' '.join(view.plan), 300)}"
    return mrkdwn.body(f"{title}.{notification}", blocks)


def status(view: ApprovalView) -> str:
    """Return, in mrkdwn of our own, what is waited for, or who did what and when."""
    by, decided = mrkdwn.mention(view.decided_by or "somebody"), _at(view.decided_at)
    match view.state:
        case ApprovalState.PROVING:
            return _proving(view)
        case ApprovalState.ASKED:
            until = "" if view.expires_at is None else f" until {mrkdwn.date(view.expires_at, '{time}')}"
            return f"{_seconded(view)}*to be decided{until}*"
        case ApprovalState.APPROVED:
            return f"{by}{_and_first(view)} approved it{decided}; the agent goes on with it."
        case ApprovalState.USED:
            return f"{by}{_and_first(view)} approved it{decided}, and the agent began it{_at(view.used_at)}."
        case ApprovalState.DENIED:
            return f"{by} denied it{decided}. Nothing was done."
        case ApprovalState.EXPIRED:
            return f"{_expired(view)}{_at(view.ended_at)}. Nothing was done."
        case ApprovalState.WITHDRAWN:
            return f"{_withdrawn(view)}. Nothing was done."
        case _:
            assert_never(view.state)


def too_late(view: ApprovalView, reader: str) -> str:
    """Return the sentence for somebody who can no longer decide an approval."""
    if view.state is ApprovalState.PROVING:
        return "It is not certain yet who is asking. This can be decided once it is."
    if view.state is ApprovalState.ASKED and view.first_by == reader:
        return "You have approved this already. It needs the approval of another person too."
    if view.state is ApprovalState.ASKED:
        return "The time for this is up. Nothing was done; the ticket goes to a person."
    return f"This is over: {status(view)}"


def call_too_late(view: ApprovalView) -> str:
    """Return the sentence for somebody who states a call that is not, or no longer, asked for."""
    if view.state is ApprovalState.PROVING:
        return "No call is asked for now: its time is up. Nothing was done."
    if view.state is ApprovalState.ASKED:
        return (
            f"No call is asked for any longer: it is certain who is asking. {approval_facts.proved_by(view)}".rstrip()
        )
    return f"This is over: {status(view)}"


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f" {mrkdwn.date(moment)}"


def _proving(view: ApprovalView) -> str:
    proof = view.proof
    if proof is None:
        return "it is not certain yet who is asking"
    until = f"until {mrkdwn.date(proof.expires_at, '{time}')}"
    match proof.kind:
        case ProofKind.REMAINING_FACTOR:
            return f"they have to confirm it on another factor of theirs {until}"
        case ProofKind.MANAGER:
            return f"their manager, {mrkdwn.mention(proof.asked_of or 'unknown')}, is asked {until} whether it is them"
        case ProofKind.CALL_BACK:
            return f"*somebody has to call them at the number on record* {until}, and say so here"
        case _:
            assert_never(proof.kind)


def _seconded(view: ApprovalView) -> str:
    if view.second_step is not SecondStep.TWO_PEOPLE:
        return ""
    if view.first_by is None:
        return "two people have to approve it · "
    return f"{mrkdwn.mention(view.first_by)} approved it{_at(view.first_at)}, and another person has to · "


def _and_first(view: ApprovalView) -> str:
    first = view.first_by
    return f" and {mrkdwn.mention(first)}" if first is not None and first != view.decided_by else ""


def _expired(view: ApprovalView) -> str:
    if not view.was_asked:
        return "It could not be made certain who is asking, and the time for it was up"
    if view.decided_by is not None:
        return f"{mrkdwn.mention(view.decided_by)} approved it{_at(view.decided_at)}, but its time was up"
    return "Nobody decided it in time, and its time was up"


def _withdrawn(view: ApprovalView) -> str:
    at, by = _at(view.ended_at), view.ended_by
    if view.cause is None:
        return f"It was withdrawn{at}"
    if by is not None and re.fullmatch(USER_ID, by):
        match view.cause:
            case WithdrawCause.TAKEN:
                return f"{mrkdwn.mention(by)} took the ticket{at}"
            case WithdrawCause.REFUSED_PROOF:
                return f"{mrkdwn.mention(by)} said{at} that it is not the requester"
            case _:
                pass
    return f"{_ENDED_BY[view.cause]}{at}"


def _place(view: ApprovalView) -> str:
    if view.private:
        return "a direct message with the bot"
    link = view.link
    return f"<{link}|Their thread>" if link is not None and mrkdwn.openable(link) else "a channel"


def _buttons(view: ApprovalView) -> list[ButtonElement]:
    proof = view.proof
    if view.state is ApprovalState.ASKED:
        return [
            _button("Approve", "approve", view, style="primary"),
            _button("Deny", "deny", view, style="danger"),
        ]
    if view.state is ApprovalState.PROVING and proof is not None and proof.kind is ProofKind.CALL_BACK:
        return [_button("I have called them", "called_back", view, style="primary")]
    return []


def _button(text: str, move: str, view: ApprovalView, *, style: str | None = None) -> ButtonElement:
    return ButtonElement(text=text, action_id=f"approval.{move}", value=str(view.approval_id), style=style)

"""What waits for an approver, for their App Home. Pure.

Invariant: as on the card, all that is not our own words is plain text. Its buttons open the same forms as the card's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, HeaderBlock, PlainTextObject

from bot.slack import mrkdwn
from bot.slack.approvals import approval_card, approval_facts, approval_forms
from bot.slack.approvals.approval_facts import ApprovalView
from bot.slack.mrkdwn import Block

MOST_TO_APPROVE = 4
"The most approvals of one home; see `bot.slack.handoffs.home` for how many blocks there is room for."


@dataclass(frozen=True, slots=True)
class ApprovalItem:
    """An approval that waits for the person whose home it is."""

    view: ApprovalView
    card_link: str | None
    "None while its card is not posted."


def blocks(items: Sequence[ApprovalItem]) -> Iterator[Block]:
    """Yield what waits for an approver, the most urgent first; nothing when nothing does."""
    if items:
        heading = PlainTextObject(text=f"To approve ({len(items)})")
        yield HeaderBlock(text=heading).to_dict()
    for item in items[:MOST_TO_APPROVE]:
        yield _entry(item)
        yield _buttons(item.view)
    if len(items) > MOST_TO_APPROVE:
        yield mrkdwn.context(f"and {len(items) - MOST_TO_APPROVE} more in the queue channel")


def _entry(item: ApprovalItem) -> Block:
    view, link = item.view, item.card_link
    head = f"*Ticket {view.ticket_id}* from {mrkdwn.mention(view.requester)}: {approval_card.status(view)}"
    where = f"\n<{link}|Card>" if link is not None and mrkdwn.openable(link) else ""
    what = PlainTextObject(text=mrkdwn.clamp(approval_facts.plan(view), _FIELD), emoji=False)
    return {**mrkdwn.section(head + where), "fields": [what.to_dict()], "block_id": f"approval:{view.approval_id}"}


_FIELD = 1_900
"The most characters of a field of a section; Slack takes 2,000."


def _buttons(view: ApprovalView) -> Block:
    value = str(view.approval_id)
    elements = [
        ButtonElement(text="Approve", action_id=approval_forms.APPROVE, value=value, style="primary"),
        ButtonElement(text="Deny", action_id=approval_forms.DENY, value=value, style="danger"),
    ]
    return ActionsBlock(block_id=f"approval:{view.approval_id}:moves", elements=elements).to_dict()

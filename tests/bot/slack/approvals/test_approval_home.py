"""What waits for an approver in their App Home: `bot.slack.approvals.approval_home`."""

from dataclasses import replace

import pytest

from bot.sandbox.slack import blocks as slack
from bot.slack.approvals import approval_home
from bot.slack.approvals.approval_home import MOST_TO_APPROVE, ApprovalItem
from tests.support.approval_views import APPROVAL_LINK, ASKED_APPROVAL, hostile_approval
from tests.support.block_checks import NASTY, check, shown

ITEM = ApprovalItem(ASKED_APPROVAL, APPROVAL_LINK)
OURS = ("<@U0SAM>", f"<{APPROVAL_LINK}|Card>")


def test_what_waits_can_be_decided_there() -> None:
    """Each has its plan, a link to its card, and the two buttons that open the card's forms."""
    blocks = list(approval_home.blocks([ITEM]))
    assert slack.complaints(blocks, slack.HOME) == []
    text = shown({"blocks": blocks})
    for words in ("To approve (1)", "*Ticket 12* from <@U0SAM>", "Reset the factor totp", f"<{APPROVAL_LINK}|Card>"):
        assert words in text
    pressable = [(one["action_id"], one["value"]) for _, one in slack.interactive(blocks)]
    assert pressable == [("approval.approve", "7"), ("approval.deny", "7")]


def test_nothing_to_approve_is_not_mentioned() -> None:
    """A home without approvals is as it was."""
    assert list(approval_home.blocks([])) == []


def test_many_fit() -> None:
    """Of more than are shown, the number is told and the rest is in the queue channel."""
    many = [replace(ITEM, view=replace(ASKED_APPROVAL, approval_id=number)) for number in range(40)]
    blocks = list(approval_home.blocks(many))
    assert slack.complaints(blocks, slack.HOME) == []
    assert len(blocks) == 2 * MOST_TO_APPROVE + 2
    assert f"and {40 - MOST_TO_APPROVE} more" in shown({"blocks": blocks})


@pytest.mark.parametrize("text", NASTY)
def test_no_text_breaks_an_entry(text: str) -> None:
    """Hostile fields are plain text in App Home as well, and no address but ours is a link."""
    blocks = list(approval_home.blocks([ApprovalItem(hostile_approval(ASKED_APPROVAL, text), text)]))
    assert slack.complaints(blocks, slack.HOME) == []
    check({"text": "-", "blocks": blocks}, ours=OURS)

"""The link to the dashboard as one person sees it: `bot.slack.reports.dashboard_offer`."""

import json
from itertools import islice

from bot.sandbox.slack import blocks
from bot.slack import mrkdwn
from bot.slack.outbox import plainer
from bot.slack.reports import dashboard_offer
from bot.store.outbox.messages import AFTERWARDS
from tests.support.block_checks import check

ADDRESS = "https://deskhand.example.com/dashboard/open?link=1." + "x" * 22 + f".U0OLIVIA.1900000000.{'0' * 64}"
BODY = mrkdwn.body("Figures", [mrkdwn.section("*Figures*"), mrkdwn.section("more")])
PLAINER = mrkdwn.body("Figures", [mrkdwn.section("*Figures*"), mrkdwn.section("less")])


def test_both_forms_of_an_answer_hold_the_link_and_what_is_kept_does_not() -> None:
    """The button is in whatever Slack takes; once it has it, the body from before is stored."""
    shown, simpler = dashboard_offer.with_link(BODY, PLAINER, ADDRESS, minutes=10)
    assert simpler is not None
    for form in islice(plainer.forms({**shown, "plainer": simpler}), 2):
        assert json.dumps(form).count(ADDRESS) == 1
        assert "for you alone, works once, and expires in 10 minutes" in json.dumps(form)
        check(form)
    assert shown[AFTERWARDS] == BODY
    assert ADDRESS not in shown["text"]


def test_the_link_is_near_the_top() -> None:
    """It stands below the first block, so that a long report need not be scrolled."""
    shown, _ = dashboard_offer.with_link(BODY, None, ADDRESS, minutes=10)
    assert [one["type"] for one in shown["blocks"]] == ["section", "actions", "context", "section"]


def test_view_with_the_link_is_one_that_slack_takes() -> None:
    """It has no form to be sent."""
    view = dashboard_offer.modal(ADDRESS, minutes=10)
    assert blocks.view_complaints(view) == []
    assert "submit" not in view

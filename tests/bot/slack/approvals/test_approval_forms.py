"""The forms of approvers and responders: `bot.slack.approvals.approval_forms`."""

from dataclasses import replace
from typing import Any

import pytest

from bot.principals import SecondStep
from bot.sandbox.slack import blocks as slack
from bot.slack.approvals import approval_forms
from tests.support.approval_views import APPROVALS, ASKED_APPROVAL, hostile_approval
from tests.support.block_checks import NASTY

VIEWS = {
    "approval.approve": approval_forms.approve_form(ASKED_APPROVAL),
    "approval.deny": approval_forms.deny_form(ASKED_APPROVAL),
    "approval.called_back": approval_forms.called_back_form(APPROVALS["proving"]),
    "approval.answered": approval_forms.answer_view(7, "<@U0PRIYA> denied it."),
}


def fields(view: dict[str, Any]) -> list[str]:
    """Return the names of a form's fields."""
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]


@pytest.mark.parametrize("callback", VIEWS)
def test_slack_takes_the_form_and_it_comes_back_for_its_approval(callback: str) -> None:
    """A form carries the approval's id, and each field is under its own name."""
    view = VIEWS[callback]
    assert slack.view_complaints(view) == []
    assert (view["callback_id"], view["private_metadata"]) == (callback, "7")


def test_each_form_asks_for_what_it_needs() -> None:
    """A code where one is needed, a reason, what came of a call; an answer asks for nothing."""
    asked = {callback: fields(view) for callback, view in VIEWS.items()}
    assert asked == {
        "approval.approve": ["code"],
        "approval.deny": ["reason"],
        "approval.called_back": ["came", "words"],
        "approval.answered": [],
    }


@pytest.mark.parametrize(
    ("view", "says"),
    [
        (replace(ASKED_APPROVAL, second_step=SecondStep.TWO_PEOPLE), True),
        (APPROVALS["seconded"], False),
        (replace(ASKED_APPROVAL, second_step=SecondStep.NONE), False),
    ],
)
def test_without_a_code_none_is_asked_for(view: Any, *, says: bool) -> None:
    """A box is ticked instead; the first of two is told that another person must approve it too."""
    form = approval_forms.approve_form(view)
    assert slack.view_complaints(form) == []
    assert fields(form) == ["read"] == [approval_forms.field_of(view)]
    assert ("Another person has to approve it too" in str(form)) is says


@pytest.mark.parametrize("name", ["approve_form", "deny_form", "called_back_form"])
def test_who_decides_sees_what_will_be_done(name: str) -> None:
    """Also where the card withholds it, since only they see the form."""
    view = replace(ASKED_APPROVAL, withheld=True)
    form = str(getattr(approval_forms, name)(view))
    assert "Reset the factor totp of sam@example.com." in form
    assert "Account acc-sam of Sam Okafor: active" in form


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("name", ["approve_form", "deny_form", "called_back_form"])
def test_no_text_breaks_a_form(name: str, text: str) -> None:
    """Hostile fields are plain text: our own mrkdwn is the same whatever they hold."""
    form, other = (getattr(approval_forms, name)(hostile_approval(ASKED_APPROVAL, said)) for said in (text, "harmless"))
    assert slack.view_complaints(form) == []
    assert [one for one in form["blocks"] if "mrkdwn" in str(one)] == [
        one for one in other["blocks"] if "mrkdwn" in str(one)
    ]


def test_a_reason_is_read_by_others_only_in_a_channel() -> None:
    """The form says who will read it."""
    assert "as others there do" in str(approval_forms.deny_form(ASKED_APPROVAL))
    assert "as others there do" not in str(approval_forms.deny_form(replace(ASKED_APPROVAL, private=True)))

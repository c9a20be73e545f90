"""What the requester reads of an approval: `bot.slack.approvals.approval_notices`."""

from dataclasses import replace

import pytest

from bot.principals import ProofKind
from bot.sandbox.slack import blocks as slack
from bot.slack.approvals import approval_notices
from bot.slack.sentences import LANGUAGES, Language
from tests.support.approval_views import APPROVALS, hostile_approval, proved_by_kind
from tests.support.block_checks import NASTY, check, shown

OURS = ("<@U0PRIYA>", "<@U0MINA>")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", APPROVALS)
def test_a_notice_is_right_in_every_state(state: str, language: Language) -> None:
    """Slack takes it in every language, nothing of the account is in it, and what waits can be taken back."""
    body = approval_notices.notice(APPROVALS[state], language)
    check(body, ours=OURS)
    pressable = [element["action_id"] for _, element in slack.interactive(body["blocks"])]
    assert pressable == (["approval.take_back"] if state in ("proving", "asked", "seconded") else [])
    for secret in ("sam@example.com", "acc-sam", "Berlin", "totp"):
        assert secret not in str(body)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (ProofKind.REMAINING_FACTOR, "Type *42* there."),
        (ProofKind.MANAGER, "I have asked your manager, <@U0MINA>, to confirm it."),
        (ProofKind.CALL_BACK, "a colleague will call you on the number that we have on record."),
    ],
)
def test_they_learn_how_to_prove_it(kind: ProofKind, says: str) -> None:
    """With the number for the device, and until when that waits."""
    body = approval_notices.notice(proved_by_kind(kind), "en")
    assert says in shown(body)
    assert "If that does not happen by <!date^" in shown(body)


def test_they_learn_how_long_it_takes() -> None:
    """About how long, and at what time a person takes over at the latest."""
    text = shown(approval_notices.notice(APPROVALS["asked"], "en"))
    assert "has 30 minutes to decide." in text
    assert "If nobody has decided by <!date^" in text
    two = shown(approval_notices.notice(APPROVALS["seconded"], "en"))
    assert "needs the approval of two colleagues, who have 30 minutes to decide." in two
    assert "If nobody has decided by <!date^" in two


def test_the_end_of_time_is_no_refusal() -> None:
    """Fault 8, as its requester reads it."""
    text = shown(approval_notices.notice(APPROVALS["expired"], "en"))
    assert text.startswith("Nobody has decided in time. That is no refusal")
    unproven = replace(APPROVALS["expired"], expires_at=None)
    assert "make certain in time" in shown(approval_notices.notice(unproven, "en"))


@pytest.mark.parametrize("text", NASTY)
def test_a_reason_is_a_quotation(text: str) -> None:
    """What an approver wrote is shown as they wrote it, and can neither mention nor pass for our own words."""
    body = approval_notices.notice(hostile_approval(APPROVALS["denied"], text), "en")
    check(body, ours=OURS)
    own, *quoted = shown(body).split("\n")
    assert own == "<@U0PRIYA> has not approved what you asked for, so nothing was done:"
    assert quoted
    assert all(line.startswith(">") for line in quoted)


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("kind", ProofKind)
def test_no_field_breaks_a_notice(kind: ProofKind, text: str) -> None:
    """A manager or a number that is nonsense is still taken by Slack."""
    view = proved_by_kind(kind)
    nonsense = replace(view, proofs=tuple(replace(one, asked_of=text, number=text) for one in view.proofs))
    check(approval_notices.notice(nonsense, "en"), ours=OURS)

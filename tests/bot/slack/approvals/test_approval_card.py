"""An approval as approvers see it: `bot.slack.approvals.approval_card`."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.principals import ProofKind, SecondStep
from bot.sandbox.slack import blocks as slack
from bot.slack.approvals import approval_card
from bot.store.schema import ProofState
from tests.support.approval_views import (
    APPROVAL_LINK,
    APPROVALS,
    ASKED_APPROVAL,
    MANAGER_PROOF,
    hostile_approval,
    proved_by_kind,
)
from tests.support.block_checks import NASTY, check, shown, texts, tried

PEOPLE = ("<@U0SAM>", "<@U0PRIYA>", "<@U0BEN>", "<@U0MINA>")
OURS = (*PEOPLE, f"<{APPROVAL_LINK}|Their thread>")


def actions(body: dict[str, Any]) -> list[str]:
    """Return the action ids of a body's buttons."""
    return [element["action_id"] for _, element in slack.interactive(body["blocks"])]


@pytest.mark.parametrize("state", APPROVALS)
def test_a_card_is_right_in_every_state(state: str) -> None:
    """Slack takes it, only people it is about are mentioned, and who asks and what would be done are on it."""
    body = approval_card.card(APPROVALS[state])
    check(body, ours=OURS)
    assert "<@U0SAM>" in shown(body)
    assert "• Reset the factor totp of sam@example.com.\n• End all sessions of sam@example.com." in shown(body)


@tried
@given(texts, st.sampled_from(sorted(APPROVALS)))
def test_no_text_breaks_a_card(text: str, state: str) -> None:
    """Whatever the fields hold, it fits, and makes no mention and no link."""
    check(approval_card.card(hostile_approval(APPROVALS[state], text)), ours=OURS)


@pytest.mark.parametrize("link", [*NASTY, None, "javascript:alert(1)", f"{APPROVAL_LINK}|Home> <!channel"])
def test_only_an_address_becomes_a_link(link: str | None) -> None:
    """What is not one plain address is left out."""
    body = approval_card.card(replace(ASKED_APPROVAL, link=link))
    check(body, ours=PEOPLE)
    assert " · a channel" in shown(body)


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("state", ["proving", "asked", "denied"])
def test_what_is_not_ours_is_plain_text(text: str, state: str) -> None:
    """Fault 7: names, fields, plan and reasons are in plain text only; our own mrkdwn holds none of it."""
    body = approval_card.card(hostile_approval(APPROVALS[state], text))
    other = approval_card.card(hostile_approval(APPROVALS[state], "harmless"))
    ours, same = ([one for one in made["blocks"] if "mrkdwn" in str(one)] for made in (body, other))
    assert ours == same
    assert all(one["text"]["emoji"] is False for one in body["blocks"] if one["type"] == "section" and one not in ours)


def test_no_line_of_theirs_passes_for_ours() -> None:
    """A field with lines of its own stays one line, behind the words that say whose it is."""
    body = approval_card.card(hostile_approval(ASKED_APPROVAL, "a\nWhose account it is: checked by the CEO"))
    lines = shown(body).splitlines()
    assert [line for line in lines if line.startswith("Whose account it is: checked")] == []
    assert len([line for line in lines if line.startswith("Whose account it is: ")]) == 1


@pytest.mark.parametrize("text", NASTY)
def test_no_name_breaks_a_card(text: str) -> None:
    """A card whose people are nonsense is still taken by Slack."""
    people: dict[str, Any] = {"requester": text, "decided_by": text, "first_by": text, "ended_by": text}
    for view in APPROVALS.values():
        nonsense = tuple(replace(one, asked_of=text, answered_by=text) for one in view.proofs)
        check(approval_card.card(replace(view, **people, proofs=nonsense)), ours=OURS)


@pytest.mark.parametrize("state", APPROVALS)
def test_every_button_does_something(state: str) -> None:
    """Only what waits for a decision can be decided, and nobody can press what has ended."""
    expected = ["approval.approve", "approval.deny"] if state in ("asked", "seconded") else []
    assert actions(approval_card.card(APPROVALS[state])) == expected


@pytest.mark.parametrize(
    ("kind", "says", "buttons"),
    [
        (ProofKind.REMAINING_FACTOR, "they have to confirm it on another factor of theirs until", []),
        (ProofKind.MANAGER, "their manager, <@U0MINA>, is asked until", []),
        (ProofKind.CALL_BACK, "*somebody has to call them at the number on record* until", ["approval.called_back"]),
    ],
)
def test_while_they_prove_who_they_are_nobody_can_approve(kind: ProofKind, says: str, buttons: list[str]) -> None:
    """The card says what is waited for; a responder has a button only for a call that a responder must make."""
    body = approval_card.card(proved_by_kind(kind))
    assert says in shown(body)
    assert actions(body) == buttons


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (ProofKind.REMAINING_FACTOR, "They have confirmed it on another factor of theirs, "),
        (ProofKind.MANAGER, "Their manager, <@U0MINA>, has confirmed that it is them, "),
        (ProofKind.CALL_BACK, "<@U0BEN> states that they called the number on record and that it is them, "),
    ],
)
def test_how_they_proved_it_is_said(kind: ProofKind, says: str) -> None:
    """With who answered for them, and when."""
    assert says in shown(approval_card.card(proved_by_kind(kind, state=ProofState.GIVEN)))


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("asked", "*to be decided until <!date^1762090500^{time}|2025-11-02 13:35 UTC>*"),
        ("seconded", "<@U0PRIYA> approved it <!date^"),
        ("approved", "<@U0PRIYA> approved it <!date^"),
        ("used", ", and the agent began it <!date^"),
        ("denied", "<@U0PRIYA> denied it <!date^"),
        ("expired", "Nobody decided it in time, and its time was up <!date^"),
        ("withdrawn_deleted", "The requester deleted the request <!date^"),
        ("withdrawn_taken", "<@U0BEN> took the ticket <!date^"),
        ("withdrawn_suspended", "The agent was suspended <!date^"),
        (
            "withdrawn_changed",
            "The arguments, the rules, the release or the account have changed, which was seen <!date^",
        ),
        ("withdrawn_taken_back", "The requester took it back <!date^"),
        ("withdrawn_refused_proof", "<@U0BEN> said <!date^"),
    ],
)
def test_after_each_move_it_says_who_did_what_and_when(state: str, says: str) -> None:
    """Whoever reads the channel later needs nothing else."""
    assert says.partition("<!date")[0] in shown(approval_card.card(APPROVALS[state]))


def test_a_no_of_a_device_has_no_name() -> None:
    """Whoever pressed it there is not known; a manager and a responder are named."""
    view = replace(APPROVALS["withdrawn_refused_proof"], ended_by="directory")
    says = "On another factor of theirs somebody said that it was not they who asked: <!date^"
    assert approval_card.status(view).startswith(says)


def test_a_yes_that_came_to_nothing_is_no_no() -> None:
    """An approval whose call was not begun in time says who had approved it, and that nothing was done."""
    view = replace(APPROVALS["expired"], decided_by="U0PRIYA", decided_at=ASKED_APPROVAL.expires_at)
    assert "<@U0PRIYA> approved it" in approval_card.status(view)
    assert "but its time was up" in approval_card.status(view)


def test_nobody_proved_is_not_nobody_decided() -> None:
    """Approvers who were never asked are not said to have been slow."""
    view = replace(APPROVALS["expired"], expires_at=None, proofs=(replace(MANAGER_PROOF, state=ProofState.EXPIRED),))
    assert "It could not be made certain who is asking" in approval_card.status(view)


def test_two_people_are_both_named() -> None:
    """The record of an approval by two says who they were."""
    view = replace(APPROVALS["used"], second_step=SecondStep.TWO_PEOPLE, first_by="U0BEN", first_at=None)
    assert "<@U0PRIYA> and <@U0BEN> approved it" in approval_card.status(view)


@pytest.mark.parametrize("state", APPROVALS)
def test_a_channel_that_others_read_learns_nothing_private(state: str) -> None:
    """Neither plan nor account nor reason of a private request is shown there; the form shows them."""
    view = replace(APPROVALS[state], private=True, withheld=True)
    body = approval_card.card(view)
    check(body, ours=PEOPLE)
    assert approval_card.WITHHELD in shown(body)
    for secret in ("sam@example.com", "acc-sam", "Berlin", "totp", "come to the desk"):
        assert secret not in str(body)


@pytest.mark.parametrize("state", APPROVALS)
def test_who_comes_too_late_reads_who_did_what_and_when(state: str) -> None:
    """A late click is never shown as a success, and says how it ended."""
    says = approval_card.too_late(APPROVALS[state], "U0BEN")
    if state not in ("proving", "asked", "seconded"):
        assert approval_card.status(APPROVALS[state]) in says
    assert says.endswith(".")


def test_the_first_of_two_is_told_that_they_are_not_two() -> None:
    """Their second click is answered with what is missing."""
    assert "another person too" in approval_card.too_late(APPROVALS["seconded"], "U0PRIYA")

"""What a requester's manager is asked: `bot.slack.approvals.proof_messages`."""

from dataclasses import replace

import pytest

from bot.sandbox.slack import blocks as slack
from bot.slack.approvals import proof_messages
from bot.slack.sentences import LANGUAGES, Language
from bot.store.schema import ProofState
from tests.support.approval_views import APPROVALS, GIVEN_PROOF, MANAGER_PROOF, hostile_approval
from tests.support.block_checks import NASTY, check, shown

PROVING = APPROVALS["proving"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", ProofState)
def test_a_question_is_right_in_every_state(state: ProofState, language: Language) -> None:
    """Slack takes it in every language, and its two buttons are there only while an answer counts."""
    proof = replace(GIVEN_PROOF if state is not ProofState.ASKED else MANAGER_PROOF, state=state)
    body = proof_messages.question(PROVING, proof, language)
    check(body, ours=("<@U0SAM>",))
    pressable = [(one["action_id"], one["value"]) for _, one in slack.interactive(body["blocks"])]
    expected = [("proof.confirm", "8"), ("proof.refuse", "8")] if state is ProofState.ASKED else []
    assert pressable == expected


def test_the_words_are_exact() -> None:
    """A manager reads what counts and what does not, what would be done, and until when."""
    text = shown(proof_messages.question(PROVING, MANAGER_PROOF, "en"))
    assert "<@U0SAM> asks me to change their account" in text
    assert "spoken with them yourself, in person or on a call, and recognised them" in text
    assert "A chat message, an e-mail or a text is not enough" in text
    assert "• Reset the factor totp of sam@example.com." in text
    assert "Your answer counts until <!date^" in text


@pytest.mark.parametrize("state", [one for one in APPROVALS if one != "proving"])
def test_what_has_ended_needs_no_answer(state: str) -> None:
    """An approval that was taken back or has expired leaves no button in the manager's conversation."""
    body = proof_messages.question(APPROVALS[state], MANAGER_PROOF, "en")
    assert "needs no answer of yours any longer" in shown(body)
    assert list(slack.interactive(body["blocks"])) == []


@pytest.mark.parametrize("text", NASTY)
def test_no_plan_breaks_a_question(text: str) -> None:
    """What the directory's fields hold is plain text in the manager's conversation too."""
    check(proof_messages.question(hostile_approval(PROVING, text), MANAGER_PROOF, "en"), ours=("<@U0SAM>",))

"""What the stand-in leaves to people, and how it goes on from what they say: `bot.sandbox.standin.acting`."""

import json

import pytest

from bot.sandbox.standin.wording import (
    HANDED_OVER,
)
from tests.support.access_stories import LOCKED_OUT, READ, WRITE, Story, account, english
from tests.support.json_object import Json


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I lost my phone and cannot approve the sign-in", "out_of_policy"),
        ("New phone, my authenticator is gone", "out_of_policy"),
        ("Ich habe mein Handy verloren", "out_of_policy"),
        ("Perdí mi teléfono", "out_of_policy"),
        ("J'ai perdu mon téléphone", "out_of_policy"),
        ("perdi meu celular", "out_of_policy"),
        ("my colleague Sam cannot log in, please unlock his account", "out_of_policy"),
        ("please unlock Sam's account", "out_of_policy"),
        ("unlock <@U0SAM>", "out_of_policy"),
        ("reset the password of her account", "out_of_policy"),
        ("I think I have been hacked", "out_of_policy"),
        ("someone else signed in to my account, that was not me", "out_of_policy"),
        ("I typed my password into a link from an email", "out_of_policy"),
        ("I need access to Salesforce", "out_of_policy"),
        ("please add me to the finance group", "out_of_policy"),
        ("can I talk to a human please", "requested"),
        ("Ich möchte mit einem Menschen sprechen", "requested"),
        ("quiero hablar con una persona", "requested"),
        ("je veux parler à quelqu'un", "requested"),
        ("quero falar com uma pessoa", "requested"),
        ("THIS IS RIDICULOUS, third time this week!!!", "frustration"),
        ("I am so angry, your bot is useless", "frustration"),
        ("please, I'm desperate, I will lose my job", "frustration"),
    ],
)
def test_what_belongs_to_a_person_goes_to_a_person(text: str, reason: str) -> None:
    """The whole always-human list, with its reason, with the person's words, and with nothing written."""
    story = Story()
    assert story.say(text) == f"<{reason}>"
    assert not set(story.used) & set(WRITE)
    assert text in story.end["summary"].replace("'", "'")
    assert "U0MAYA" not in story.end["summary"]


@pytest.mark.parametrize(
    "state",
    [
        account("disabled"),
        account("departed"),
        {"for_a_person": True},
        account("locked", lock_reason="risk: impossible travel"),
    ],
)
def test_an_account_that_is_a_persons_work_is_handed_off_untouched(state: Json) -> None:
    """Disabled, departed, kept for a person by the policy, or locked for more than typos."""
    story = Story(state)
    assert story.say("I am locked out") == "<out_of_policy>"
    assert story.used == ["look_up_my_account", "hand_off"]


def test_a_failing_second_factor_goes_to_a_person() -> None:
    """The sign-ins tell what the requester did not."""
    story = Story(sign_ins=[{"minutes_ago": 5, "ok": False, "why": "second factor code rejected"}])
    assert story.say("I can't sign in") == "<out_of_policy>"


def test_what_did_not_help_goes_to_a_person() -> None:
    """After one mend, "still not working" is not mended again."""
    story = Story(dict(LOCKED_OUT))
    story.say("I am locked out")
    assert story.say("still not working") == "<repeated_failure>"


@pytest.mark.parametrize("broken", [*READ[:1], "unlock_my_account"])
def test_a_failing_tool_ends_with_a_person(broken: str) -> None:
    """It is neither tried for ever nor passed over."""
    story = Story(dict(LOCKED_OUT))
    story.broken = {broken}
    assert story.say("I am locked out") in {"<low_confidence>", "<repeated_failure>"}
    assert story.used.count(broken) == 1
    assert "does not answer" in story.end["summary"]


def test_after_a_hand_off_it_says_who_has_it() -> None:
    """It does not hand off twice."""
    story = Story()
    story.say("I want to talk to a human")
    assert story.go_on() == HANDED_OVER


@pytest.mark.parametrize(
    ("asked", "note"),
    [
        ("I want to talk to a human", "Identity checked, please unlock it"),
        ("I lost my phone, now I am locked out", "Phone found. She may have the account back, unlock it please."),
        ("I think I have been hacked", "False alarm, not hacked. Please unlock <@U0MAYA>'s account."),
        ("this is ridiculous", "Her manager confirmed who she is. Go on."),
        ("quiero hablar con una persona", "Identität geprüft, bitte entsperren"),
    ],
)
def test_given_back_it_goes_on_from_the_note(asked: str, note: str) -> None:
    """What the colleague wrote decides, not what it was handed off for: looked up, unlocked, resolved."""
    story = Story(dict(LOCKED_OUT))
    story.say(asked)
    story.used = []
    assert "unlocked your account" in english(story.give_back(note, ended=True), of=asked)
    assert story.used == ["look_up_my_account", "unlock_my_account", "resolve"]


@pytest.mark.parametrize("note", ["Send her the reset link", "He forgot his password, send a new one", "reset it"])
def test_given_back_for_the_link_it_sends_the_link(note: str) -> None:
    """The password, too, is theirs though the note says his or her."""
    story = Story(account("password_expired"))
    story.say("can I talk to a human")
    assert "reset link to the address on file" in story.give_back(note, ended=True)


@pytest.mark.parametrize(
    "note",
    ["Unlock Sam's account as well", "please unlock <@U0SAM>", "reset sam@x.example", "She lost her phone as well"],
)
def test_given_back_it_still_may_not_do_everything(note: str) -> None:
    """Somebody else's account and a lost factor stay a person's work; the summary has both sides' words."""
    story = Story(dict(LOCKED_OUT))
    story.say("I want to talk to a human")
    assert story.give_back(note, ended=True) == "<out_of_policy>"
    assert not set(story.used) & set(WRITE)
    assert "I want to talk to a human" in story.end["summary"]
    assert f'A colleague gave it back: "{note}"' in story.end["summary"]


def test_a_hand_off_that_is_refused_is_not_taken_for_done() -> None:
    """It says nothing of a colleague who has the story, and asks again."""
    story = Story()
    story.say("I want to talk to a human")
    result = story.messages[-1]["content"][0]
    result.update(is_error=True, content=json.dumps({"error": "Not handed off: a colleague has just given it back"}))
    assert story.go_on() == "<requested>"


def test_a_note_begins_a_new_turn_and_the_next_message_another() -> None:
    """After an answer a note is news; after the note the requester's own words count again."""
    story = Story(dict(LOCKED_OUT))
    story.say("hello")
    assert "unlocked" in story.give_back("Please unlock it")
    assert story.say("thank you!") == "You are welcome."

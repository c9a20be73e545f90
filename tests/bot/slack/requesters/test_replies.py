"""What the requester reads: `bot.slack.requesters.replies`."""

import re
from datetime import UTC, datetime
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.principals import Effect, Reason
from bot.slack import mrkdwn
from bot.slack.requesters import replies
from bot.slack.requesters.replies import Occasion
from bot.slack.sentences import LANGUAGES, Language, catalogue, joined, say
from bot.tools import directory  # noqa: F401 - its import registers the tools
from bot.tools.registry import REGISTRY
from tests.support.block_checks import check, shown, texts, tried

RESETS = datetime(2026, 11, 3, tzinfo=UTC)
LINK = "https://acme.slack.com/files/U0SAM/F"


@tried
@given(texts, st.sampled_from(LANGUAGES))
def test_no_text_breaks_a_body_or_pings_anybody(text: str, language: Language) -> None:
    """Whatever people and models write, Slack takes every body, and nobody is mentioned but by us."""
    check(replies.reply(text, turn_id=7, language=language))
    check(replies.resolved(text, "U0PRIYA", language), ours=("<@U0PRIYA>",))
    check(replies.trouble(text, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_every_body_in_every_language(language: Language) -> None:
    """With its date left to Slack, its mentions whole and its button, and one text for all of it."""
    priya, told = (
        "<@U0PRIYA>",
        replies.handed_off(Reason.BUDGET, expected_minutes=90, resets_at=RESETS, opens_at=RESETS, language=language),
    )
    bodies = [
        replies.notice(told, cancels=1, footers=["x"], language=language),
        replies.claimed("U0PRIYA", language),
        replies.let_go("U0PRIYA", RESETS, language),
        replies.stopped(went_through=True, language=language),
        replies.sent_directly("U0PRIYA", language),
        replies.stranded("U0PRIYA", language),
        replies.still_waiting(15, None, language, reminded=True),
        replies.given_back("U0PRIYA", language),
    ]
    for body in bodies:
        check(body, ours=(priya,))
        assert not re.search(r"\{\w+\}", re.sub(r"<!date[^>]*>", "", shown(body)))
    assert told.count(f"<!date^{int(RESETS.timestamp())}^") == 2


def test_small_print_stands_between_an_answer_and_its_thumbs() -> None:
    """Each line of ours in a block of its own, and in no notification."""
    body = replies.reply("Done.", turn_id=1, footers=["First.", "Second."])
    check(body)
    assert [block["type"] for block in body["blocks"]] == ["markdown", "context", "context", "context_actions"]
    assert "First." in shown(body)
    assert body["text"] == "Done."


def test_a_reply_carries_feedback_for_its_turn() -> None:
    """An answer ends in two thumbs that name the turn they are about."""
    body = replies.reply("Your account is **unlocked**.", turn_id=42)
    answer, feedback = body["blocks"]
    assert answer == {"type": "markdown", "text": "Your account is **unlocked**."}
    buttons = feedback["elements"][0]
    assert buttons["action_id"] == "feedback"
    assert (buttons["positive_button"]["value"], buttons["negative_button"]["value"]) == ("good:42", "bad:42")


def test_a_reply_that_is_cut_says_so() -> None:
    """An answer beyond Slack's limits is cut at 11,000 characters, and the reader is told."""
    body = replies.reply("x" * 40_000, turn_id=1)
    assert len(body["blocks"][0]["text"]) == 11_000
    assert "too long for one Slack message" in shown(body)
    assert "too long" not in shown(replies.reply("x" * 11_000, turn_id=1))


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("occasion", get_args(Occasion))
@pytest.mark.parametrize("resets_at", [RESETS, None])
def test_every_handoff_is_told_in_plain_words(reason: Reason, occasion: Occasion, resets_at: datetime | None) -> None:
    """For each reason the requester reads why, that a person comes and when: no code, no limit, no shouting."""
    body = replies.notice(replies.handed_off(reason, expected_minutes=15, resets_at=resets_at, occasion=occasion))
    check(body)
    assert "person" in body["text"]
    assert "within about 15 minutes" in body["text"]
    said = body["text"].replace("<!date", "")
    for word in ("_", "!", "$", "Oops", "token", "limit", "escalat"):
        assert word not in said.replace("{date_short_pretty}", "")


def test_each_reason_has_words_of_its_own() -> None:
    """No two reasons read the same to the requester."""
    said = {replies.handed_off(reason, expected_minutes=15, resets_at=None) for reason in Reason}
    assert len(said) == len(Reason)


def test_only_a_used_up_budget_says_when_it_opens_again() -> None:
    """The reset time is in the budget's words however it came to that, in the reader's own zone, and in no other's."""
    token = f"I can help again from <!date^{int(RESETS.timestamp())}^"
    for reason, occasion in product(Reason, get_args(Occasion)):
        said = replies.handed_off(reason, expected_minutes=15, resets_at=RESETS, occasion=occasion)
        assert (token in said) == (reason is Reason.BUDGET)


@pytest.mark.parametrize(
    ("occasion", "words"),
    [
        ("usual", "Of course. I have called in a person"),
        ("colleague", "A colleague has asked for a person to look at this. I have called in a person"),
        ("again", "I am sorry, I cannot go on with this after all, so a person takes over again."),
    ],
)
def test_how_it_came_to_a_person_is_told_as_it_was(occasion: Occasion, words: str) -> None:
    """Who asked reads just that, who did not reads that a colleague did, and no reason is told a second time."""
    assert replies.handed_off(Reason.REQUESTED, expected_minutes=15, resets_at=None, occasion=occasion).startswith(
        words
    )
    said = replies.handed_off(Reason.BUDGET, expected_minutes=15, resets_at=RESETS, occasion=occasion)
    assert ("spend" in said) == (occasion == "usual")


def test_every_tool_that_writes_has_a_sentence_that_says_it_is_done() -> None:
    """Without one, nothing is said of its change to a requester whose turn is handed over after it."""
    writers = {f"done.{name}" for name, tool in REGISTRY.items() if tool.effect is Effect.WRITE}
    assert {key for key in catalogue() if key.startswith("done.")} == writers


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_done_is_told_first(language: Language) -> None:
    """Once each, however it came to a person; for whose account nobody can be sure of, nothing is said of one."""
    done = ("look_up_my_account", "unlock_my_account", "send_password_reset", "unlock_my_account")
    changes = joined(language, [say("done.unlock_my_account", language), say("done.send_password_reset", language)])
    missed = []
    for reason, occasion in product(Reason, get_args(Occasion)):
        told, plain = (
            replies.handed_off(
                reason, done=one, expected_minutes=15, resets_at=None, occasion=occasion, language=language
            )
            for one in (done, ())
        )
        check(mrkdwn.message(told))
        unsure = reason is Reason.IDENTITY_MISMATCH
        if told.startswith(changes) is unsure or (told == plain) is not unsure:
            missed.append((reason, occasion, told))
    assert missed == []
    assert told.count(say("done.unlock_my_account", language)) == (reason is not Reason.IDENTITY_MISMATCH)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.REQUESTED, "I have unlocked your account. For the rest I have called in a person"),
        (Reason.REPEATED_FAILURE, "I have unlocked your account. For the rest I have called in a person"),
        (Reason.ERROR, "I have unlocked your account. I am sorry, something went wrong on my side. For the rest I"),
        (Reason.BUDGET, "I have unlocked your account. I have used up what I may spend for now"),
    ],
)
def test_no_reason_speaks_as_if_nothing_had_been_done(reason: Reason, words: str) -> None:
    """What did not work, or is a person's, is the rest; why the agent stops is told where it is another fact."""
    said = replies.handed_off(reason, done=["unlock_my_account"], expected_minutes=15, resets_at=None)
    assert said.startswith(words)


@pytest.mark.parametrize("done", [(), ("look_up_my_account",), ("a_tool_of_another_agent",)])
def test_nothing_is_told_of_what_has_no_sentence(done: tuple[str, ...]) -> None:
    """A tool that only reads, or that another agent brought along."""
    said = replies.handed_off(Reason.REQUESTED, done=done, expected_minutes=15, resets_at=None)
    assert said == replies.handed_off(Reason.REQUESTED, expected_minutes=15, resets_at=None)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "a minute"), (1, "a minute"), (45, "45 minutes"), (60, "an hour"), (61, "2 hours"), (1440, "24 hours")],
)
def test_the_expected_time_is_never_said_too_short(minutes: int, words: str) -> None:
    """Times are rounded up."""
    said = replies.handed_off(Reason.ERROR, expected_minutes=minutes, resets_at=None)
    assert said.endswith(f"within about {words}.")
    assert replies.still_waiting(minutes, None, reminded=True)["text"].endswith(f"within about {words}.")


def test_after_hours_nobody_is_promised_minutes() -> None:
    """Then it says when the team is back, at first and when nobody has come."""
    said = replies.handed_off(Reason.REQUESTED, expected_minutes=15, resets_at=None, opens_at=RESETS)
    for words in (said, replies.still_waiting(15, RESETS, reminded=True)["text"]):
        assert f"The team is back <!date^{int(RESETS.timestamp())}^" in words
        assert "15 minutes" not in words


def test_nobody_is_said_to_be_reminded_who_was_not() -> None:
    """The rest is the same."""
    without, reminded = (replies.still_waiting(15, None, reminded=one)["text"] for one in (False, True))
    assert reminded.replace("The team has been reminded. ", "") == without != reminded


def test_the_notice_has_a_button_only_while_it_does_something() -> None:
    """With the handoff's id while it can be taken back; without one there is none."""
    [button] = replies.notice("Somebody comes.", cancels=3)["blocks"][-1]["elements"]
    assert (button["action_id"], button["value"]) == ("handoff.cancel", "3")
    assert [block["type"] for block in replies.notice("Somebody comes.")["blocks"]] == ["section"]
    assert "you no longer need this" in say("handoff.cancelled", "en")


def test_a_claim_names_who_has_it() -> None:
    """The requester learns who has their request."""
    body = replies.claimed("U0PRIYA")
    check(body, ours=("<@U0PRIYA>",))
    assert body["text"].startswith("<@U0PRIYA> has your request")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            replies.let_go("U0PRIYA"),
            "<@U0PRIYA> could not go on with your request, so it is with the whole team again.",
        ),
        (replies.given_back("U0PRIYA"), "<@U0PRIYA> has looked at this and asked me to go on with it."),
    ],
)
def test_each_change_of_hands_is_told_in_a_sentence(body: dict[str, Any], words: str) -> None:
    """And names who it was."""
    check(body, ours=("<@U0PRIYA>",))
    assert shown(body).startswith(words)


def test_a_resolution_says_what_was_done_and_leaves_the_door_open() -> None:
    """The requester reads who closed it, what was done, and how to come back."""
    body = replies.resolved("Reset your second factor.", "U0PRIYA")
    assert body["text"].startswith("<@U0PRIYA> has closed this request:\n> Reset your second factor.")
    assert "Still stuck?" in body["text"]


def test_only_you_keeps_our_own_mentions() -> None:
    """A sentence of our own may name a colleague."""
    body = replies.only_you("<@U0PRIYA> has it.")
    check(body, ours=("<@U0PRIYA>",))
    assert shown(body) == "<@U0PRIYA> has it."


def test_trouble_gives_the_id_and_nothing_else() -> None:
    """An error is plain words with an id, never an exception's text."""
    body = replies.trouble("e-1f3c9a")
    check(body)
    assert "`e-1f3c9a`" in body["text"]


def test_the_text_of_an_answer_is_whole() -> None:
    """A body's text repeats all that its blocks show, since transcripts are made of it."""
    assert replies.reply("a & b < c", turn_id=1)["text"] == "a &amp; b &lt; c"
    assert replies.reply("x" * 11_000, turn_id=1)["text"] == "x" * 11_000


def test_a_courtesy_is_not_judged() -> None:
    """No thumbs below it."""
    assert [block["type"] for block in replies.reply("You're welcome.", turn_id=None)["blocks"]] == ["markdown"]

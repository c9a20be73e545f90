from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.principals import Reason
from bot.slack import replies
from tests.bot.slack.strict import check, shown, texts, tried

RESETS = datetime(2026, 11, 3, tzinfo=UTC)


@tried
@given(texts)
def test_no_text_breaks_a_body_or_pings_anybody(text: str) -> None:
    """Whatever people and models write, Slack takes every body, and nobody is mentioned but by us."""
    check(replies.reply(text, turn_id=7))
    check(replies.human_reply(text, name=text, image=text))
    check(replies.requester_said("U0SAM", text, (text, text)), ours=("<@U0SAM>",))
    check(replies.sent_to_requester("U0SAM", text, responder="U0PRIYA"), ours=("<@U0SAM>", "<@U0PRIYA>"))
    check(replies.resolved(text, "U0PRIYA"), ours=("<@U0PRIYA>",))
    check(replies.trouble(text))


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
@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("resets_at", [RESETS, None])
def test_every_handoff_is_told_in_plain_words(reason: Reason, asked: bool, resets_at: datetime | None) -> None:  # noqa: FBT001 - a parameter of the test
    """For each reason the requester reads why, that a person comes and when: no code, no limit, no shouting."""
    body = replies.handed_off(reason, expected_minutes=15, resets_at=resets_at, asked=asked)
    check(body)
    assert "person" in body["text"]
    assert "within about 15 minutes" in body["text"]
    said = body["text"].replace("<!date", "")
    for word in ("_", "!", "$", "Oops", "token", "limit", "escalat"):
        assert word not in said.replace("{date_short_pretty}", "")


def test_each_reason_has_words_of_its_own() -> None:
    """No two reasons read the same to the requester."""
    said = {replies.handed_off(reason, expected_minutes=15, resets_at=None, asked=False)["text"] for reason in Reason}
    assert len(said) == len(Reason)


def test_only_a_used_up_budget_says_when_it_opens_again() -> None:
    """The reset time is in the budget's words, in the reader's own zone, and in no other's."""
    token = f"<!date^{int(RESETS.timestamp())}^"
    for reason in Reason:
        body = replies.handed_off(reason, expected_minutes=15, resets_at=RESETS, asked=False)
        assert (token in body["text"]) == (reason is Reason.BUDGET)


def test_who_asked_for_a_person_is_told_just_that() -> None:
    """A requester who wanted a person does not read about our troubles."""
    body = replies.handed_off(Reason.BUDGET, expected_minutes=15, resets_at=RESETS, asked=True)
    assert body["text"].startswith("Of course. I have called in a person")
    assert "spend" not in body["text"]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "a minute"), (1, "a minute"), (45, "45 minutes"), (60, "an hour"), (61, "2 hours"), (1440, "24 hours")],
)
def test_the_expected_time_is_never_said_too_short(minutes: int, words: str) -> None:
    """Times are rounded up."""
    body = replies.handed_off(Reason.ERROR, expected_minutes=minutes, resets_at=None, asked=False)
    assert body["text"].endswith(f"within about {words}.")


def test_a_claim_names_who_has_it() -> None:
    """The requester learns who has their request."""
    body = replies.claimed("U0PRIYA")
    check(body, ours=("<@U0PRIYA>",))
    assert body["text"].startswith("<@U0PRIYA> has your request")


def test_a_human_reply_is_under_the_humans_name() -> None:
    """A responder's words come under their name and picture, as they wrote them."""
    body = replies.human_reply("Try again now, please.", name="Priya Nair", image="https://img.example/p.png")
    check(body)
    assert (body["username"], body["icon_url"]) == ("Priya Nair", "https://img.example/p.png")
    assert shown(body) == "Try again now, please."


@pytest.mark.parametrize("image", [None, "", "javascript:alert(1)", "http://img.example/p.png"])
def test_a_human_reply_without_a_proper_picture_has_none(image: str | None) -> None:
    """Only an https address is used as a picture; a name is never empty."""
    body = replies.human_reply("Hello", name=" ", image=image)
    assert "icon_url" not in body
    assert body["username"] == "A colleague"


@tried
@given(st.integers(1, 12_000))
def test_a_copy_is_whole_or_says_that_it_is_not(length: int) -> None:
    """What the requester wrote reaches the queue thread in full, or the copy says where the rest is."""
    body = replies.requester_said("U0SAM", "x" * length, ())
    text = shown(body)
    assert (text.count("x") >= length) != ("The rest is in the requester's thread" in text)


def test_attachments_are_named_even_without_words() -> None:
    """A message that is only a file is copied with the file's name."""
    body = replies.requester_said("U0SAM", "", ("screen <1>.png", "log.txt"))
    check(body, ours=("<@U0SAM>",))
    assert "screen &lt;1&gt;.png, log.txt" in shown(body)


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

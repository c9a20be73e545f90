"""What people write, carried from one thread into the other: `bot.slack.handoffs.copies`."""

import re

import pytest
from hypothesis import given

from bot.slack import mrkdwn
from bot.slack.handoffs import copies
from bot.slack.outbox import enclosures
from bot.store.tickets.tickets import Attachment
from tests.support.block_checks import check, shown, texts, tried

LINK = "https://acme.slack.com/files/U0SAM/F"


@tried
@given(texts, texts)
def test_no_text_breaks_what_goes_from_thread_to_thread(text: str, name: str) -> None:
    """Both ways, files and their addresses included, Slack takes each part, and only our own links are made."""
    files = tuple(Attachment(name, link) for link in (None, text, f"https://a.example/{text}")) * 3
    copied = copies.wrote("U0SAM", text, files)
    sent = copies.sent_to_requester("U0SAM", text, files, responder="U0PRIYA")
    for body in (*copies.human_reply(text, files), *copied, *sent):
        links = [] if enclosures.is_file(body) else re.findall(r"<http[^<>|]*\|[^<>|]*>", shown(body))
        assert all(text in link for link in links)
        check(body, ours=("<@U0SAM>", "<@U0PRIYA>", *links))


def test_a_human_reply_is_as_they_wrote_it() -> None:
    """A responder's words are theirs, with nothing of ours around them; nothing at all is said to be no words."""
    (body,) = copies.human_reply("Try again now, please.")
    check(body)
    assert shown(body) == body["text"] == "Try again now, please."
    assert [shown(one) for one in copies.human_reply("  ")] == ["(no words)"]


@pytest.mark.parametrize("text", ["word " * 2_600, "word " * 8_000, "x" * 13_000, "&" * 40_000, "a line\n" * 5_000])
def test_a_human_reply_is_whole(text: str) -> None:
    """Thirteen or forty thousand characters: all of them, in order, in messages that Slack takes."""
    bodies = copies.human_reply(text)
    assert len(bodies) > 1
    for body in bodies:
        check(body)
    whole = "".join(block["text"]["text"] for body in bodies for block in body["blocks"])
    assert whole == mrkdwn.escape(text)
    assert "".join(body["text"] for body in bodies) == whole  # transcripts repeat it


@pytest.mark.parametrize("text", ["word " * 2_600, "word " * 8_000, "x" * 40_000, "&" * 40_000, "a line\n" * 5_000])
def test_a_copy_is_whole(text: str) -> None:
    """What somebody wrote reaches the queue thread to the last character: every line a quotation, or all in a file."""
    for bodies in (copies.wrote("U0SAM", text, ()), copies.sent_to_requester("U0SAM", text, responder="U0PRIYA")):
        assert len(bodies) <= enclosures.FEW
        for body in bodies:
            check(body, ours=("<@U0SAM>", "<@U0PRIYA>"))
        if enclosures.is_file(bodies[-1]):
            assert bodies[-1]["file"]["content"] == mrkdwn.visible(text)
            assert enclosures.BELOW in bodies[-2]["text"]
            continue
        sections = [block["text"]["text"] for body in bodies for block in body["blocks"]]
        whole = "\n".join(section.rstrip("\n") for section in sections[1:])
        assert re.sub(r"\s", "", re.sub("(?m)^> ?", "", whole)) == re.sub(r"\s", "", mrkdwn.escape(text))
        assert all(line.startswith(">") for line in whole.split("\n"))


def test_a_copy_says_whose_words_they_are_and_where() -> None:
    """The requester's, a responder's in that thread, and what a responder sent."""
    assert shown(copies.wrote("U0SAM", "It is blue", ())[0]) == "<@U0SAM> wrote:\n> It is blue"
    there = copies.wrote("U0BEN", "Here", (), where="wrote to them in their thread")
    assert shown(there[0]) == "<@U0BEN> wrote to them in their thread:\n> Here"
    sent = copies.sent_to_requester("U0SAM", "Here", responder="U0PRIYA")
    assert shown(sent[0]) == "<@U0PRIYA> to <@U0SAM>:\n> Here"


def test_files_are_named_and_linked() -> None:
    """With words or without, both ways, all of them; a responder is told that the requester may not open theirs."""
    files = tuple(Attachment(f"{number}<.png", f"{LINK}{number}" if number else None) for number in range(7))
    links = tuple(f"<{LINK}{number}|{number}&lt;.png>" for number in range(1, 7))
    for text in ("", "See these"):
        ways = {
            "Attached in their thread: 0&lt;.png, ": copies.wrote("U0SAM", text, files),
            "Attached: 0&lt;.png, ": copies.human_reply(text, files),
            "but only people in this channel can open it: 0&lt;.png, ": copies.sent_to_requester(
                "U0SAM", text, files, responder="U0PRIYA"
            ),
        }
        for words, (body,) in ways.items():
            check(body, ours=("<@U0SAM>", "<@U0PRIYA>", *links))
            assert words in shown(body)
            assert all(link in shown(body) and link in body["text"] for link in links)
            assert "(no words)" not in shown(body)


def test_what_was_deleted_leaves_a_sentence() -> None:
    """It says whose words are gone, and none of them."""
    assert shown(copies.deleted("U0PRIYA")) == "<@U0PRIYA> deleted this message."

"""A whole conversation for who takes it over: `bot.slack.handoffs.transcript`."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import mrkdwn
from bot.slack.handoffs.transcript import MOST, TranscriptLine, transcript
from bot.slack.outbox import enclosures
from bot.store.tickets.tickets import Attachment
from tests.support.block_checks import check, shown, texts, tried

AT = datetime(2026, 11, 2, 13, 5, tzinfo=UTC)
PEOPLE = ("<@U0SAM>", "<@U0PRIYA>")
LINK = "https://acme.slack.com/files/U0SAM/F1/a.png"


@tried
@given(st.lists(st.tuples(texts, st.lists(texts, max_size=3)), max_size=8))
def test_a_transcript_fits_whatever_was_said(said: list[tuple[str, list[str]]]) -> None:
    """Every message of a transcript is within Slack's limits, and mentions only who spoke."""
    lines = [
        TranscriptLine("<@U0SAM>", AT, text, tuple(Attachment(name, None) for name in files)) for text, files in said
    ]
    for body in transcript(lines):
        check(body, ours=PEOPLE)


@tried
@given(texts, texts)
def test_no_address_of_a_file_breaks_a_transcript(name: str, rest: str) -> None:
    """However long or strange an address is, Slack takes the message, and a link leads to that address alone."""
    for link in (rest, f"https://a.example/{rest}"):
        for body in transcript([TranscriptLine("<@U0SAM>", AT, "", (Attachment(name, link),) * 10)]):
            made = re.findall(r"<http[^<>|]*\|[^<>|]*>", shown(body))
            assert all(one.startswith(f"<{link}|") for one in made)
            check(body, ours=(*PEOPLE, *made))


def test_a_transcript_of_two_hundred_lines_is_complete() -> None:
    """Two hundred lines are all there, in order, folded, in a handful of messages."""
    lines = [TranscriptLine("<@U0SAM>" if n % 2 else "Deskhand", AT, f"line number {n}.") for n in range(200)]
    bodies = transcript(lines)
    text = "\n".join(shown(body) for body in bodies)
    places = [text.index(f"> line number {n}.") for n in range(200)]
    assert places == sorted(places)
    assert len(bodies) == 5
    for body in bodies:
        check(body, ours=PEOPLE)
        assert all(block["is_collapsible"] and block["default_collapsed"] for block in body["blocks"])
    assert bodies[0]["blocks"][0]["title"]["text"] == "Transcript, lines 1 to 10 of 200"


@pytest.mark.parametrize("text", ["x" * 40_000, "&" * 40_000, "word " * 8_000, "line\n" * 8_000])
def test_a_transcript_cuts_nothing(text: str) -> None:
    """A line of 40,000 characters is in a few messages, or whole in a file, to its last character."""
    *bodies, last = transcript([TranscriptLine("<@U0SAM>", AT, text)])
    assert len(bodies) < MOST
    if enclosures.is_file(last):
        assert mrkdwn.visible(text) in last["file"]["content"].replace("\n  ", "\n")
        return
    bodies.append(last)
    said = "\n".join(shown(body) for body in bodies)
    wanted = {"x": 40_000, "&amp;": 40_000, "word": 8_000, "line\n": 8_000}
    mark = next(mark for mark in wanted if text.startswith(mark.replace("&amp;", "&")))
    count = said.replace("line 1 of 1", "") + "\n"
    assert count.count(mark) >= wanted[mark]
    for body in bodies:
        check(body, ours=PEOPLE)


def test_a_transcript_names_and_links_attachments() -> None:
    """Files stand beside who attached them, with words or without, and lead to where they are."""
    files = (Attachment("a.png", LINK), Attachment("b.log", None))
    (body,) = transcript([TranscriptLine("<@U0SAM>", AT, "", files), TranscriptLine("Deskhand", AT, "Thanks.")])
    text = shown(body)
    assert f"attached <{LINK}|a.png>, b.log" in text
    assert "(no words)" not in text
    assert "*Deskhand* <!date^" in text
    check(body, ours=(*PEOPLE, f"<{LINK}|a.png>"))


def test_more_files_than_a_section_holds_are_all_named() -> None:
    """They go on in the next one."""
    files = tuple(Attachment(f"{number}-{'x' * 90}.png", LINK) for number in range(60))
    bodies = transcript([TranscriptLine("<@U0SAM>", AT, "See these", files)])
    text = "\n".join(shown(body) for body in bodies)
    assert [number for number in range(60) if f"|{number}-" not in text] == []
    for body in bodies:
        check(body, ours=(*PEOPLE, *re.findall(r"<https[^<>]*>", text)))


def test_a_transcript_of_nothing_is_no_message() -> None:
    """Where nothing was said nothing is posted."""
    assert transcript([]) == []

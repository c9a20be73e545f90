"""Sentences below a handoff's card: `bot.slack.handoffs.queue_notes`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from bot.sandbox.slack import blocks as slack
from bot.slack.handoffs import queue_notes
from bot.slack.handoffs.queue_notes import DraftEnd
from bot.store.schema import ExpiryCause
from tests.support.block_checks import check, shown, texts, tried

AT = datetime(2026, 11, 2, 13, 5, tzinfo=UTC)
PRIYA, BEN, SAM, GROUP = "<@U0PRIYA>", "<@U0BEN>", "<@U0SAM>", "<!subteam^S0ONCALL>"
CALL = ("S0ONCALL",)
BROADCAST = ("reminded", "called", "called already", "expired", "left", "off the card", "stranded", "unclaimed")
LINK = "https://acme.slack.com/archives/C0HELP/p1762088700000100"
NAMED = queue_notes.NoteSubject(12, "U0SAM", LINK)
HEADED = (SAM, f"<{LINK}|Their thread>")
HEAD = f"*Ticket 12* of {SAM} · <{LINK}|Their thread>\n"
NOTES: dict[str, tuple[Callable[[], dict[str, Any]], tuple[str, ...], str]] = {
    "reminded": (lambda: queue_notes.reminded(NAMED, AT), HEADED, f"{HEAD}Nobody has taken this yet."),
    "called": (
        lambda: queue_notes.called(NAMED, CALL, AT, already=False),
        (*HEADED, GROUP),
        f"{GROUP} please claim it.",
    ),
    "called already": (
        lambda: queue_notes.called(NAMED, CALL, AT, already=True),
        HEADED,
        "Those on call have just been called.",
    ),
    "told": (lambda: queue_notes.told(None), (), "I have told the requester that nobody has been free yet."),
    "told after hours": (lambda: queue_notes.told(AT), (), "yet and that people are back <!date^"),
    "warned": (lambda: queue_notes.warned("U0PRIYA", AT), (PRIYA,), f"{PRIYA} your claim ends at <!date^"),
    "expired": (
        lambda: queue_notes.expired(NAMED, "U0PRIYA", CALL, why=ExpiryCause.LEASE),
        (*HEADED, PRIYA, GROUP),
        f"The claim of {PRIYA} has expired, so nobody has this now. {GROUP} please claim it.",
    ),
    "left": (
        lambda: queue_notes.expired(NAMED, "U0PRIYA", ("U0BEN",), why=ExpiryCause.LEFT),
        (*HEADED, PRIYA, BEN),
        f"{PRIYA} is no longer a member of this workspace, so nobody has this now. {BEN} please claim it.",
    ),
    "off the card": (
        lambda: queue_notes.expired(NAMED, "U0PRIYA", ("U0BEN",), why=ExpiryCause.OFF_CARD),
        (*HEADED, PRIYA, BEN),
        f"{PRIYA} is no longer one of the responders, so nobody has this now. {BEN} please claim it.",
    ),
    "stranded": (
        lambda: queue_notes.stranded(NAMED, "U0PRIYA"),
        (*HEADED, PRIYA),
        f"The agent that looked after this is no longer here, so {PRIYA} no longer has this.",
    ),
    "unclaimed": (
        lambda: queue_notes.unclaimed(NAMED, "U0PRIYA", CALL),
        (*HEADED, PRIYA, GROUP),
        f"{HEAD}{PRIYA} unclaimed this",
    ),
    "reassigned": (
        lambda: queue_notes.reassigned("U0PRIYA", "U0PRIYA", "U0BEN", until=AT, why=""),
        (PRIYA, BEN),
        f"{BEN} this is yours until <!date^{int(AT.timestamp())}^{{time}}|2026-11-02 13:05 UTC>: {PRIYA} gave it",
    ),
    "reassigned by an owner": (
        lambda: queue_notes.reassigned("U0OLIVIA", "U0PRIYA", "U0BEN", until=None, why="She is ill."),
        (PRIYA, BEN, "<@U0OLIVIA>"),
        f"{BEN} this is yours: <@U0OLIVIA> gave it to you (it was with {PRIYA}).\n> She is ill.",
    ),
    "given back": (
        lambda: queue_notes.given_back("U0PRIYA", "Checked."),
        (PRIYA,),
        f"{PRIYA} gave this back to the agent, which now goes on with:\n> Checked.",
    ),
    "cancelled": (lambda: queue_notes.cancelled("U0SAM"), (SAM,), f"{SAM} no longer needs help."),
    "not delivered": (
        lambda: queue_notes.not_delivered("U0SAM", "is_archived"),
        (SAM,),
        f"The message above was not delivered to {SAM}: Slack says `is_archived`.",
    ),
    "asked": (
        lambda: queue_notes.ask_to_send(7, "U0PRIYA", "U0SAM", "poor Sam"),
        (PRIYA, SAM),
        "It would be the first of your claim. Send this one?\n> poor Sam",
    ),
    "asked about a sign": (
        lambda: queue_notes.ask_to_send(7, "U0PRIYA", "U0SAM", "poor Sam", certain=False),
        (PRIYA, SAM),
        "Yours starts with a character that looks like it. Send it?\n> poor Sam",
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_note_is_in_words_and_mentions_whom_it_concerns(name: str) -> None:
    """Slack takes it; who must act is mentioned; what must not be missed is shown in the channel too."""
    made, ours, words = NOTES[name]
    body = made()
    check(body, ours=ours)
    assert words in shown(body)
    assert all(one in shown(body) for one in ours)
    assert body.get("reply_broadcast", False) == (name in BROADCAST)


@tried
@given(texts)
def test_no_text_breaks_a_note_or_pings_anybody(text: str) -> None:
    """Whatever people write, Slack takes the note, and nobody is mentioned but by us."""
    check(queue_notes.given_back("U0PRIYA", text), ours=(PRIYA,))
    check(queue_notes.reassigned(text, text, text, until=AT, why=text))
    check(queue_notes.ask_to_send(7, "U0PRIYA", "U0SAM", text), ours=(PRIYA, SAM))
    check(queue_notes.not_delivered(text, text))
    check(queue_notes.called(queue_notes.NoteSubject(1, text, None), (text,) * 30, AT, already=False))


def test_a_note_to_the_agent_is_shown_whole() -> None:
    """All 3,000 characters that the form takes, also when each of them is written with five."""
    said = "&" + "x\n" * 1_499
    assert shown(queue_notes.given_back("U0PRIYA", said)).count("x") >= 1_499
    assert shown(queue_notes.given_back("U0PRIYA", "word " * 600)).count("word") == 600


def test_the_question_is_answered_by_one_of_two_buttons() -> None:
    """Both name the draft; what it became takes their place, and has none."""
    body = queue_notes.ask_to_send(7, "U0PRIYA", "U0SAM", "> poor Sam")
    buttons = [(one["action_id"], one["value"]) for _, one in slack.interactive(body["blocks"])]
    assert buttons == [("handoff.send", "7"), ("handoff.keep", "7")]


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("sent", f"{PRIYA} sent this to {SAM}. From now on, messages that start with `>` go out at once."),
        ("kept", f"{PRIYA} kept this internal. {SAM} has not seen it."),
        ("withdrawn", f"{PRIYA} deleted this before it was sent. {SAM} has not seen it."),
        ("unsent", f"{PRIYA} took this back after it was sent. It is no longer in the thread of {SAM}."),
        ("late", f"This was not sent: {PRIYA} no longer has this ticket. {SAM} has not seen it."),
    ],
)
def test_what_became_of_a_draft_is_said(end: str, words: str) -> None:
    """In words, to everybody in the queue thread, without a button."""
    body = queue_notes.decided("U0PRIYA", "U0SAM", end=DraftEnd(end))
    check(body, ours=(PRIYA, SAM))
    assert shown(body) == words
    assert list(slack.interactive(body["blocks"])) == []


def test_a_crowd_is_not_mentioned() -> None:
    """Ten of the responders are called at most, where no group is on call."""
    body = queue_notes.called(NAMED, tuple(f"U0P{number}" for number in range(30)), AT, already=False)
    assert shown(body).count("<@") == 10 + len([SAM])

"""A message as it is heard, from an event or from a thread: `bot.casework.heard`."""

from typing import Any

import pytest

from bot import admission
from bot.casework import heard
from bot.rights import Membership
from tests.support.workspace_names import BOT, HELP, TEAM

SAID: dict[str, Any] = {"type": "message", "user": "U0MAYA", "text": "<@U0SAM> is <#C0HELP> right?", "ts": "2.5"}


def name(some_id: str) -> str | None:
    """Return what somebody is called."""
    return {"U0SAM": "Sam", "C0HELP": "help"}.get(some_id)


def read(message: dict[str, Any]) -> heard.HeardMessage:
    """Return a message that a worker has found in a thread."""
    return heard.read_again(message, name, team=TEAM, channel=HELP, bot_user=BOT)


def test_what_is_read_in_a_thread_is_what_an_event_tells() -> None:
    """The same message is heard alike, but for the id by which its delivery is known."""
    message = {**SAID, "thread_ts": "2.0", "files": [{"id": "F1", "name": "a.png"}]}
    told = heard.heard(message, name, event_id="thread:C0HELP:2.5", team=TEAM, channel=HELP, bot_user=BOT)
    assert read(message).heard == told
    assert (told.text, told.thread_ts, [file.name for file in told.files]) == (
        "@\u2068Sam\u2069 is #help right?",
        "2.0",
        ["a.png"],
    )


def test_of_who_says_it_nothing_is_known_in_a_thread() -> None:
    """A worker looks up nobody who says something in a thread, so what only a responder may say counts for nothing."""
    found = read({**SAID, "team": "T0ELSEWHERE"})
    assert (found.membership, found.barred, found.edited_at) == (Membership.UNCHECKED, None, "")


@pytest.mark.parametrize(("text", "called"), [(f"<@{BOT}> help", True), (f"<@{BOT}|desk> help", True), ("help", False)])
def test_a_mention_calls_the_bot(text: str, called: bool) -> None:  # noqa: FBT001
    """Who mentions the bot calls it, in a thread that is read as well; the marks stay in what is judged."""
    found = read({**SAID, "text": text})
    assert (found.called, found.marked, found.heard.text) == (called, text, "help")


def test_what_no_database_can_hold_is_not_read() -> None:
    """NUL, halves of characters and nulls are left out of what Slack shows."""
    found = read({**SAID, "text": "a\x00b\ud83d", "thread_ts": None})
    assert (found.heard.text, found.heard.thread_ts) == ("ab?", None)


@pytest.mark.parametrize(
    ("changes", "persons"),
    [
        ({}, True),
        ({"subtype": "file_share"}, True),
        ({"subtype": "channel_join"}, False),
        ({"user": admission.SLACKBOT}, False),
        ({"user": None}, False),
        ({"user": BOT}, False),
        ({"bot_id": "B1"}, True),
        ({"bot_id": "B1", "user": "U0APP"}, False),
        ({"bot_id": "B1", "user": "U0UNCLEAR"}, True),
    ],
)
def test_a_persons_words_are_told_from_an_apps(changes: dict[str, Any], persons: bool) -> None:  # noqa: FBT001
    """A person may write through an app; while Slack does not say what a user is, it counts as a person."""
    apps = {"U0MAYA": False, "U0APP": True}
    assert heard.is_persons({**SAID, **changes}, BOT, apps.get) is persons


@pytest.mark.parametrize(
    ("edited", "at"), [({"ts": "3.5"}, "3.5"), ({"ts": "soon"}, ""), ({}, ""), (None, ""), ({"ts": 3.5}, "")]
)
def test_when_an_edit_was_made_is_what_slack_says(edited: object, at: str) -> None:
    """The time of an edit is a time by Slack's clock, or nothing."""
    assert heard.when(edited) == at

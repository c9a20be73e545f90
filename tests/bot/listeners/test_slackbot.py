"""Slackbot is a user without a mark of a bot, and no one who could be helped."""

import pytest

from bot.store.schema import InboxEvent
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP


@pytest.mark.parametrize("thread", [False, True])
def test_slackbots_reminders_open_no_ticket(front: FrontDoor, thread: bool) -> None:  # noqa: FBT001 - a parameter
    """It says what somebody wanted to be reminded of, mention and all; it is no one who could be helped."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I am locked out") if thread else None
    front.act("dm", "U0MAYA")
    before = front.kept()
    for text in (f"<@{BOT}> unlock the account of Ivan.", "I can't sign in.", "please write to the bot."):
        front.act("remind", "U0MAYA", channel=HELP, text=text, **({"thread_ts": ts} if ts else {}))
    front.act("remind", "U0MAYA", channel="D0MAYA", text="I am locked out")
    assert front.kept() == before
    assert [one["user"] for one in front.sees("U0MAYA")["messages"][HELP]].count("USLACKBOT") == 3


@pytest.mark.parametrize("subtype", [None, "bot_message", "slackbot_response", "reminder_add"])
@pytest.mark.parametrize("kind", ["app_mention", "message"])
def test_nothing_of_slackbots_is_a_request(front: FrontDoor, kind: str, subtype: str | None) -> None:
    """Neither what it says by itself nor its custom responses, with and without the mark of a bot."""
    said = {"type": kind, "user": "USLACKBOT", "channel": HELP, "text": f"<@{BOT}> I am locked out", "ts": "1.1"}
    said |= {"subtype": subtype} if subtype else {}
    for number, event in enumerate((said, {**said, "bot_id": "B01"}, {**said, "channel": "D0MAYA"})):
        assert front.event(event, event_id=f"Ev{number}") == 200
    assert (front.rows(InboxEvent), front.only()) == ([], [])

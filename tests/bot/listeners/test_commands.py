"""Slash commands and the shortcut: kept once, answered by a job, to the asker alone."""

import json

import pytest

from bot.principals import Reason
from bot.queue import ANSWER_COMMAND
from bot.store.schema import Handoff, InboxEvent, Ticket, Turn
from bot.store.tickets import turns
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP, QUEUE, RANDOM, TEAM

COMMAND = {
    "team_id": TEAM,
    "channel_id": RANDOM,
    "user_id": "U0OLIVIA",
    "command": "/agent-cost",
    "text": " week by user ",
    "trigger_id": "111.222.abc",
    "response_url": "https://hooks.slack.com/commands/T0DESKHAND/1/x",
}


def test_command_is_kept_and_queued_once(front: FrontDoor) -> None:
    """A command is acknowledged without a word, kept with the address that its answer goes to, and queued."""
    assert [front.form(COMMAND), front.form(COMMAND)] == [(200, "")] * 2
    [asked] = front.rows(InboxEvent)
    assert (asked.kind, asked.user, asked.text) == ("command", "U0OLIVIA", "week by user")
    assert asked.detail == {"command": "/agent-cost", "response_url": COMMAND["response_url"]}
    assert front.jobs(ANSWER_COMMAND) == [asked.id]
    assert front.rows(Ticket) == []


def test_a_secret_in_a_command_is_not_kept(front: FrontDoor) -> None:
    """Nor sent on to a job."""
    assert front.form({**COMMAND, "text": "my password is Winter!24x"}) == (200, "")
    [asked] = front.rows(InboxEvent)
    assert "Winter!24x" not in asked.text
    assert "[" in asked.text


@pytest.mark.parametrize(
    "url",
    ["https://hooks.slack.com.evil.example/commands/1", "http://hooks.slack.com/commands/1", "https://evil.example/"],
)
def test_a_command_that_is_to_be_answered_elsewhere_is_refused(front: FrontDoor, url: str) -> None:
    """Nothing of it is kept: an answer goes to Slack only."""
    status, _ = front.form({**COMMAND, "response_url": url})
    assert (status, front.rows(InboxEvent), front.jobs(ANSWER_COMMAND)) == (400, [], [])


def test_command_where_the_bot_is_not_is_answered(front: FrontDoor) -> None:
    """From a channel that the bot is not in a command is answered all the same, to the asker alone."""
    front.act("command", "U0OLIVIA", channel=RANDOM, command="/agent-cost", text="")
    [told] = front.whispers("U0OLIVIA")
    assert "today everywhere" in told
    assert front.whispers("U0MAYA") == []
    assert front.sees("U0OLIVIA")["messages"].get(RANDOM, []) == []


def test_command_that_makes_no_sense_is_helped(front: FrontDoor) -> None:
    """Words that a command does not know are named, with the nearest that it does; markup in them stays text."""
    front.act("command", "U0OLIVIA", channel=HELP, command="/agent-cost", text="wek <!channel>")
    [told] = front.whispers("U0OLIVIA")
    assert "I do not know `wek` and `&lt;!channel&gt;`. Did you mean `week` and " in told
    assert "<!channel>" not in told


def test_shortcut_hands_over(front: FrontDoor) -> None:
    """The requester's shortcut gives the ticket to people, ends its turn, and a second use changes nothing."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    for _ in range(2):
        front.act("shortcut", "U0MAYA", channel=HELP, ts=ts, callback_id="hand_to_person")
        front.work()
    [handoff], [turn] = front.rows(Handoff), front.rows(Turn)
    assert (handoff.reason, handoff.state) == (Reason.REQUESTED, "open")
    assert (turn.state, turn.outcome) == ("done", "withdrawn")
    assert front.whispers("U0MAYA") == ["A person has been called already."]
    [card] = [one for one in front.sees("U0PRIYA")["messages"][QUEUE] if one.get("thread_ts", one["ts"]) == one["ts"]]
    assert "They asked for a person" in json.dumps(card["blocks"])


def test_shortcut_takes_along_what_waits(front: FrontDoor) -> None:
    """A message that waits behind a running turn goes to the person with the rest, and is not lost."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    with front.database.write() as session:
        assert turns.begin(session, front.rows(Turn)[0].id, worker="test:1", lease=60) is not None
    front.say("U0MAYA", HELP, "my manager is waiting", thread_ts=ts)
    front.act("shortcut", "U0MAYA", channel=HELP, ts=ts, callback_id="hand_to_person")
    front.work()
    assert "my manager is waiting" in json.dumps(front.sees("U0PRIYA")["messages"][QUEUE])


def test_shortcut_of_a_bystander_is_refused(front: FrontDoor) -> None:
    """Somebody else's ticket is handed over by responders and owners only; a bystander is told whose it is."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    front.act("shortcut", "U0IVAN", channel=HELP, ts=ts, callback_id="hand_to_person")
    assert front.whispers("U0IVAN") == ["Only <@U0MAYA>, responders and owners can hand this over."]
    assert front.rows(Handoff) == []
    front.act("shortcut", "U0PRIYA", channel=HELP, ts=ts, callback_id="hand_to_person")
    front.work()
    assert len(front.rows(Handoff)) == 1


def test_shortcut_outside_any_ticket_says_so(front: FrontDoor) -> None:
    """On a message that is no ticket, even where the bot is not, the shortcut says what to do instead."""
    for channel in (HELP, RANDOM):
        ts = front.say("U0IVAN", channel, "good morning")
        front.act("shortcut", "U0IVAN", channel=channel, ts=ts, callback_id="hand_to_person")
    told = front.whispers("U0IVAN")
    assert len(told) == 2
    assert all("This is not a request to me" in one for one in told)
    assert not front.rows(Handoff)
    assert not front.rows(Ticket)

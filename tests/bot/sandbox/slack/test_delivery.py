"""Retries, duplicates and what Slack does when the bot is slow, wrong or away."""

import time
from threading import Event
from typing import Any

from bot.sandbox.slack.delivery import REUSE_SECONDS, sign
from bot.web.entrance import ClientLimits
from tests.support.live_server import PATIENCE

A_WHILE = 0.4
"Seconds in which what shall not come would come."


def messages(workspace: Any, count: int, seconds: float = PATIENCE) -> Any:
    """Return the message events that the bot heard."""
    return workspace.bot.wait(lambda one: one.event.get("type") == "message", count=count, seconds=seconds)


def test_no_connection_is_used_again_that_the_bot_may_just_be_closing() -> None:
    """A form that was sent on one would fail, and stay open."""
    assert ClientLimits().idle_seconds > 2 * REUSE_SECONDS


def test_the_signature_is_slacks() -> None:
    """The v0 signature of Slack's own documented example comes out."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        "96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == expected


def test_an_event_that_fails_is_tried_three_times_more(workspace: Any) -> None:
    """A 500 is retried with x-slack-retry-num and -reason under the same event id, and then given up."""
    workspace.bot.answer = lambda _heard: (500, "")
    workspace.say("U0MAYA", "C0HELP", "help")
    assert len(messages(workspace, 4)) == 4
    heard = messages(workspace, 5, seconds=A_WHILE)
    assert [one.headers.get("x-slack-retry-num") for one in heard] == [None, "1", "2", "3"]
    assert {one.headers.get("x-slack-retry-reason") for one in heard[1:]} == {"http_error"}
    assert len({one.body["event_id"] for one in heard}) == 1
    assert all(one.signed for one in heard)


def test_a_slow_answer_is_a_timeout_and_does_not_hold_the_channel_up(serve_workspace: Any, listening_bot: Any) -> None:
    """What is not answered by the deadline is retried as http_timeout; the next message does not wait for it."""
    workspace, over = serve_workspace(answer_seconds=0.4, next_seconds=0.1), Event()

    def answer(heard: Any) -> tuple[int, str]:
        if heard.event["text"] == "first":
            over.wait(PATIENCE)
        return 200, ""

    listening_bot.answer = answer
    workspace.say("U0MAYA", "C0HELP", "first")
    workspace.say("U0MAYA", "C0HELP", "second")
    for text, reason in (("second", None), ("first", "http_timeout")):
        wanted = {"text": text, "reason": reason}
        assert listening_bot.wait(
            lambda one, wanted=wanted: (
                wanted == {"text": one.event["text"], "reason": one.headers.get("x-slack-retry-reason")}
            )
        )
    over.set()


def test_a_bot_that_is_away_is_told_later(serve_workspace: Any, listening_bot: Any) -> None:
    """Without a connection Slack says connection_failed and the log shows every attempt."""
    workspace = serve_workspace(deliver_to="http://127.0.0.1:9/slack/events", retry_delays=(0.0, 0.0))
    workspace.say("U0MAYA", "C0HELP", "help")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and len(workspace.get("/sandbox/log")) < 3:
        time.sleep(0.01)
    entries = workspace.get("/sandbox/log")
    assert [(one["attempt"], one["error"]) for one in entries] == [(n, "connection_failed") for n in range(3)]
    ts = workspace.slack.chat_postMessage(channel="C0HELP", text="x", blocks=BUTTON)["ts"]
    click = workspace.act("click", "U0MAYA", channel="C0HELP", ts=ts, block_id="b", action_id="a")
    assert (click["delivered"], click["error"]) == (False, "dispatch_failed")


BUTTON = [
    {
        "type": "actions",
        "block_id": "b",
        "elements": [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Go"}}],
    }
]


def test_an_answered_event_is_sent_once(workspace: Any) -> None:
    """An answer of 200 ends the matter."""
    workspace.say("U0MAYA", "C0HELP", "help")
    assert messages(workspace, 1)
    assert len(messages(workspace, 2, seconds=A_WHILE)) == 1


def test_events_are_doubled_on_demand(workspace: Any) -> None:
    """deliver_twice repeats the event id; new_event_id sends the same ts under another."""
    workspace.faults({"method": "events", "kind": "deliver_twice"})
    workspace.say("U0MAYA", "C0HELP", "one")
    first = messages(workspace, 2)
    assert len({one.body["event_id"] for one in first}) == 1
    workspace.bot.heard.clear()
    workspace.faults({"method": "events", "kind": "new_event_id"})
    workspace.say("U0MAYA", "C0HELP", "two")
    second = messages(workspace, 2)
    assert len({one.body["event_id"] for one in second}) == 2
    assert len({one.event["ts"] for one in second}) == 1


def test_a_past_event_is_sent_again(workspace: Any) -> None:
    """Redelivery repeats an event under its own id or a new one."""
    workspace.say("U0MAYA", "C0HELP", "help")
    (heard,) = messages(workspace, 1)
    event_id = heard.body["event_id"]
    assert workspace.send("/sandbox/redeliver", {"event_id": event_id})["event_id"] == event_id
    assert workspace.send("/sandbox/redeliver", {"event_id": event_id, "new_id": True})["event_id"] != event_id
    again = messages(workspace, 3)
    assert len(again) == 3
    assert len({one.body["event_id"] for one in again}) == 2
    assert workspace.send("/sandbox/redeliver", {"event_id": "Ev0"})["error"] == "event_not_found"


def test_joining_a_channel_is_an_event(workspace: Any) -> None:
    """When the bot is let into a channel it hears member_joined_channel and can speak there."""
    workspace.send("/sandbox/channel", {"channel": "C0RANDOM", "bot_member": True})
    (heard,) = workspace.bot.wait(lambda one: one.event.get("type") == "member_joined_channel")
    assert (heard.event["channel"], heard.event["user"]) == ("C0RANDOM", "U0DESKHAND")
    assert workspace.slack.chat_postMessage(channel="C0RANDOM", text="hello")["ok"]

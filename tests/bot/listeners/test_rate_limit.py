"""How fast one person may press, command, look, edit and stop: `bot.listeners.rate_limit`."""

import json
from typing import Any

import pytest

from bot.listeners import rate_limit
from bot.listeners.rate_limit import AT_ONCE, RateLimit, counted
from bot.queue import SHOW_HOME
from bot.store.schema import InboxEvent, Turn
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP, TEAM


def test_a_burst_and_then_one_in_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was saved up goes at once; then it comes back with time, and others have their own."""
    at = [100.0]
    monkeypatch.setattr("bot.listeners.rate_limit.time.monotonic", lambda: at[0])
    one = RateLimit()
    assert [one.allows("U1") for _ in range(AT_ONCE + 5)] == [True] * AT_ONCE + [False] * 5
    assert one.allows("U2")
    at[0] += 2.1
    assert [one.allows("U1") for _ in range(2)] == [True, False]


def test_only_so_many_people_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of made-up people takes no memory; the last ones are still counted."""
    monkeypatch.setattr(rate_limit, "MOST_BUCKETS", 3)
    one = RateLimit()
    for number in range(50):
        one.allows(f"U{number}")
    assert len(one._buckets) == 3


@pytest.fixture
def _nothing_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time give anybody another act: to deliver a flood may take seconds."""
    monkeypatch.setattr(rate_limit, "A_SECOND", 0.0)


@pytest.mark.parametrize(
    ("body", "person"),
    [
        ({"type": "block_actions", "user": {"id": "U1"}}, "U1"),
        ({"type": "view_submission", "user": {"id": "U1"}}, "U1"),
        ({"command": "/agent-cost", "user_id": "U1"}, "U1"),
        ({"event": {"type": "app_home_opened", "user": "U1"}}, "U1"),
        ({"event": {"type": "message", "subtype": "message_changed", "message": {"user": "U1"}}}, "U1"),
        ({"event": {"type": "message", "user": "U1"}}, None),
        ({"event": {"type": "app_mention", "user": "U1"}}, None),
        ({"event": {"type": "message", "subtype": "message_deleted", "previous_message": {"user": "U1"}}}, None),
        ({"event": {"type": "message", "subtype": "message_changed", "message": {"subtype": "tombstone"}}}, None),
        ({"event": {"type": "agent_session_stopped", "user": "U1"}}, "U1 stops"),
        ({"event": {"type": "agent_session_stopped"}}, None),
        ({"event": {"type": "user_change", "user": {"id": "U1"}}}, None),
        ({"event": "junk"}, None),
        ({"user": 7}, None),
    ],
)
def test_what_is_counted(body: dict[str, Any], person: str | None) -> None:
    """What people do again and again, stops apart from all else; never what they say or take back."""
    assert counted(body) == person


@pytest.mark.usefixtures("_nothing_comes_back")
def test_a_flood_of_looks_and_edits_leaves_messages_and_deletions_heard(front: FrontDoor) -> None:
    """What is too fast is acknowledged, so that Slack does not send it again; what was said is kept, or taken back."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I am locked out")
    for number in range(3 * AT_ONCE):
        opened = {"type": "app_home_opened", "user": "U0MAYA", "tab": "home", "channel": "D0", "event_ts": f"{number}"}
        assert front.event(opened, event_id=f"EvHome{number}") == 200
    assert len(front.jobs(SHOW_HOME)) == AT_ONCE
    front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=f"<@{BOT}> something else")
    assert front.rows(InboxEvent)[0].text == "I am locked out"
    front.act("delete", "U0MAYA", channel=HELP, ts=ts)
    assert front.rows(InboxEvent)[0].state == "withdrawn"
    second = front.say("U0MAYA", HELP, f"<@{BOT}> locked again")
    assert front.rows(InboxEvent)[-1].ts == second


@pytest.mark.usefixtures("_nothing_comes_back")
def test_a_flood_of_presses_keeps_no_one_from_stopping(front: FrontDoor) -> None:
    """Stops are bounded too, each of which leaves a row; but by nothing else that the same person has pressed."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I am locked out")
    opened = {"type": "app_home_opened", "user": "U0MAYA", "tab": "home", "channel": "D0"}
    for number in range(2 * AT_ONCE):
        front.event({**opened, "event_ts": f"{number}"}, event_id=f"EvHome{number}")
    stopped = {"type": "agent_session_stopped", "channel": HELP, "thread_ts": ts, "user": "U0MAYA"}
    for number in range(2 * AT_ONCE):
        assert front.event(stopped, event_id=f"EvStop{number}") == 200
    assert [turn.outcome for turn in front.rows(Turn)] == ["withdrawn"]
    assert len([row for row in front.rows(InboxEvent) if row.kind == "stop"]) == AT_ONCE


@pytest.mark.usefixtures("_nothing_comes_back")
def test_a_form_that_is_too_fast_stays_open(front: FrontDoor) -> None:
    """Somebody has written in it: closed as if it were taken, their words would be lost."""
    form = {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": {"id": "U0MAYA"},
        "view": {
            "id": "V1",
            "type": "modal",
            "callback_id": "handoff.resolved",
            "private_metadata": "1",
            "state": {"values": {"done": {"input": {"value": "words"}}}},
        },
    }
    answers = [front.payload(form) for _ in range(AT_ONCE + 1)]
    assert answers[-1][0] == 200
    assert json.loads(answers[-1][1]) == {"response_action": "errors", "errors": {"done": rate_limit.TOO_FAST}}

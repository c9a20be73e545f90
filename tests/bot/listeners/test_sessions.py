"""Slack's stop button."""

import json
import time
from typing import Any

import pytest
from rq.executions import Execution

from bot.errors import Transient
from bot.queue import RUN_TURN, JobQueue
from bot.slack import client as slack
from bot.store import turns
from bot.store.schema import InboxEvent, Turn
from tests.front_door import BOT, HELP, TOKEN, FrontDoor
from tests.queues import queue_of


def stop(ts: str | None, **more: Any) -> dict[str, Any]:
    """Return the event of the stop button."""
    return {"type": "agent_session_stopped", "channel": HELP, "thread_ts": ts, "user": "U0MAYA", **more}


def test_stop_ends_the_turn(front: FrontDoor) -> None:
    """The turn under way ends without an answer, its worker is fenced off, and the thread says so once."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    with front.database.write() as session:
        attempt = turns.begin(session, front.rows(Turn)[0].id, worker="test:1", lease=60)
    assert attempt is not None
    assert [front.event(stop(ts), event_id="Ev1"), front.event(stop(ts), event_id="Ev1")] == [200, 200]
    front.work()
    [turn] = front.rows(Turn)
    assert (turn.state, turn.outcome) == ("done", "withdrawn")
    assert turn.attempt > attempt.number
    said = [one["text"] for one in front.sees("U0MAYA")["messages"][HELP] if one.get("bot_id")]
    assert said == ["Stopped. Write here when you want me to go on."]


@pytest.mark.parametrize(("again", "shown"), [(False, "active"), (True, "processing")])
def test_stop_shows_at_once(front: FrontDoor, *, again: bool, shown: str) -> None:
    """Nothing says that the agent is at it, whatever its worker still waits for, unless another turn has begun."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    client = slack.connect(token=TOKEN, base_url=f"{front.slack}/api/")
    client.agents_sessions_setStatus(channel_id=HELP, thread_ts=ts, status="processing")
    front.event(stop(ts))
    if again:
        front.say("U0MAYA", HELP, "go on please", thread_ts=ts)
    front.work()
    [session] = front.world.state.sessions.values()
    assert session["status"] == shown


def test_stop_reaches_the_job(front: FrontDoor) -> None:
    """The worker that plays the turn is told, so that it need not wait for the model's last word."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    [job] = [one for one in queue_of(front.redis).jobs if one.func_name == RUN_TURN]
    with front.redis.pipeline() as pipeline:
        Execution.create(job, 60, pipeline, worker_name="w1")
        pipeline.execute()
    with front.redis.pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]
        heard.subscribe("rq:pubsub:w1")
        while not front.redis.pubsub_numsub("rq:pubsub:w1")[0][1]:
            time.sleep(0.01)
        front.event(stop(ts))
        message = None
        until = time.monotonic() + 5
        while message is None and time.monotonic() < until:
            message = heard.get_message(timeout=0.1)
    assert message is not None
    assert json.loads(message["data"])["job_id"] == job.id


def test_stop_holds_while_redis_is_away(front: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row says it: the press is acknowledged and the turn is over."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")

    def away(*_: object) -> int:
        raise Transient("redis: away")

    monkeypatch.setattr(JobQueue, "stop", away)
    assert front.event(stop(ts)) == 200
    [turn] = front.rows(Turn)
    assert (turn.state, turn.outcome) == ("done", "withdrawn")


def test_message_after_a_stop_is_answered(front: FrontDoor) -> None:
    """Whoever writes again after stopping gets a new turn."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    front.event(stop(ts))
    front.say("U0MAYA", HELP, "go on please", thread_ts=ts)
    assert [turn.state for turn in front.rows(Turn)] == ["done", "waiting"]
    assert front.jobs(RUN_TURN)[-1] == front.rows(Turn)[-1].id


def test_stop_of_nothing_changes_nothing(front: FrontDoor) -> None:
    """A stop where nothing runs, in no thread or in an unknown one, is acknowledged and leaves nothing."""
    before = front.kept()
    for where in (stop(None), stop("1700000000.000100"), stop("1.1", channel=None)):
        assert front.event(where) == 200
    assert front.kept() == before
    assert front.rows(InboxEvent) == []


def test_a_stop_that_comes_again_leaves_a_later_turn_alone(front: FrontDoor) -> None:
    """Slack retries the press after the requester has written on: that turn goes on."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    front.event(stop(ts), event_id="Ev0STOP")
    front.say("U0MAYA", HELP, "go on please", thread_ts=ts)
    assert front.event(stop(ts), event_id="Ev0STOP", headers={"x-slack-retry-num": "1"}) == 200
    assert [turn.state for turn in front.rows(Turn)] == ["done", "waiting"]


def test_only_the_requester_stops_their_turn(front: FrontDoor) -> None:
    """A press of somebody else changes nothing."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    assert front.event(stop(ts, user="U0BEN")) == 200
    assert [turn.state for turn in front.rows(Turn)] == ["waiting"]

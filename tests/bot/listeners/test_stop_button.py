"""Slack's stop button."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from rq.executions import Execution

from bot import durations
from bot.errors import Transient
from bot.network import DIRECT
from bot.queue import RUN_TURN, JobQueue
from bot.slack.api import client as slack
from bot.store.schema import InboxEvent, StepKind, StepStatus, Turn
from bot.store.tickets import steps, turns
from bot.store.tickets.turns import Attempt
from jobs import process, undeliverable
from jobs.turn import say_stopped
from tests.support.live_server import PATIENCE
from tests.support.queues import queue_of
from tests.support.web_harness import TOKEN, FrontDoor
from tests.support.workspace_names import BOT, HELP


def stop(ts: str | None, **more: Any) -> dict[str, Any]:
    """Return the event of the stop button."""
    return {"type": "agent_session_stopped", "channel": HELP, "thread_ts": ts, "user": "U0MAYA", **more}


def said(front: FrontDoor) -> list[str]:
    """Return what the bot has said in the help channel, after the workers have done what they could."""
    front.work()
    return [one["text"] for one in front.sees("U0MAYA")["messages"][HELP] if one.get("bot_id")]


def at_work(front: FrontDoor) -> tuple[str, Attempt]:
    """Let Maya ask and a worker begin; return the ts of her message, and the attempt."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    with front.database.write() as session:
        attempt = turns.begin(session, front.rows(Turn)[0].id, worker="test:1", lease=60)
    assert attempt is not None
    return ts, attempt


def test_stop_ends_the_turn(front: FrontDoor) -> None:
    """The turn under way ends without an answer, its worker is fenced off, and the thread says so once it has ended."""
    ts, attempt = at_work(front)
    assert [front.event(stop(ts), event_id="Ev1"), front.event(stop(ts), event_id="Ev1")] == [200, 200]
    [turn] = front.rows(Turn)
    assert (turn.state, turn.outcome) == ("done", "withdrawn")
    assert turn.attempt > attempt.number
    assert said(front) == []  # its worker may be changing an account this very moment
    say_stopped(process.current(), replace(attempt, number=attempt.number - 1))
    assert said(front) == []  # that was a worker given up for dead long before
    say_stopped(process.current(), attempt)
    undeliverable.deliver(attempt.ticket.id)
    assert said(front) == ["Stopped. Write here when you want me to go on."]


def test_stop_tells_what_could_not_be_called_back(front: FrontDoor) -> None:
    """A change that was under way and went through is not kept from who stopped the agent."""
    ts, attempt = at_work(front)
    with front.database.write() as session:
        steps.start(session, attempt, seq=1, kind=StepKind.TOOL, name="unlock_my_account", request={})
    front.event(stop(ts))
    with front.database.write() as session:
        steps.finish(session, attempt, seq=1, status=StepStatus.OK, response={"content": {}})
    say_stopped(process.current(), attempt)
    undeliverable.deliver(attempt.ticket.id)
    assert said(front) == [
        "Stopped. One step was under way already, and it has gone through. Write here when you want me to go on."
    ]


def test_stop_is_said_for_a_worker_that_died(front: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sign of life at once; where the last sign is fresh, after longer than a step can take."""
    monkeypatch.setattr(durations, "STOPPED_STEP", 0.1)
    ts, attempt = at_work(front)
    front.event(stop(ts))
    time.sleep(0.1)
    undeliverable.deliver(attempt.ticket.id)
    assert said(front) == ["Stopped. Write here when you want me to go on."]


def test_stop_before_any_worker_is_said_at_once(front: FrontDoor) -> None:
    """A turn that waits has no step to end."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    front.event(stop(ts))
    assert said(front) == ["Stopped. Write here when you want me to go on."]


@pytest.mark.parametrize(("again", "shown"), [(False, "active"), (True, "processing")])
def test_stop_shows_at_once(front: FrontDoor, *, again: bool, shown: str) -> None:
    """Nothing says that the agent is at it, whatever its worker still waits for, unless another turn has begun."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    client = slack.connect(token=TOKEN, base_url=f"{front.slack}/api/", network=DIRECT)
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
        until = time.monotonic() + PATIENCE
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

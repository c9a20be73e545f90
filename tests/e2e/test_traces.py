"""A collector receives one trace a turn from the real processes, from the model to Slack."""

import time

import pytest
from sqlalchemy import select

from bot.sandbox.demo.scenes.stage import BOT, HELP, Stage
from bot.store.db import Session
from bot.store.installation import marks
from bot.store.schema import Turn, TurnState
from bot.telemetry.trace_ids import TraceIds
from tests.e2e.product_processes import TOKENS
from tests.support import crowd
from tests.support.busy_machine import SOON
from tests.support.otlp_receiver import OtlpReceiver, ReceivedSpan

pytestmark = pytest.mark.e2e


def last_turn(session: Session) -> int:
    """Return the newest turn that has ended, or 0."""
    return session.scalars(select(Turn.id).where(Turn.state == TurnState.DONE).order_by(Turn.id.desc())).first() or 0


def traced(stage: Stage, collector: OtlpReceiver, user: str, text: str, *, posts: set[str]) -> list[ReceivedSpan]:
    """Let somebody ask, and return the trace of their turn once its root and messages of these kinds are there."""
    before = stage.read(last_turn)
    stage.act("say", user=user, channel=HELP, text=f"<@{BOT}> {text}")
    stage.wait("the turn to end", lambda: stage.read(last_turn) > before, seconds=4 * SOON)
    seen = stage.read(marks.read)
    assert seen is not None
    ids = TraceIds.of(TOKENS["SLACK_BOT_TOKEN"], seen.ground.prefix)
    trace = f"{ids.of_turn(stage.read(last_turn))[0]:032x}"
    until = time.monotonic() + 4 * SOON
    while True:
        found = collector.by_trace().get(trace, [])
        kinds = {one.attributes["deskhand.message.kind"] for one in found if one.name == "slack post"}
        if posts <= kinds and any(not one.parent for one in found):
            return found
        assert time.monotonic() < until, [one.name for one in found]
        time.sleep(0.1)


@pytest.mark.usefixtures("untroubled")
def test_a_collector_receives_one_trace_a_turn(stage: Stage, collector: OtlpReceiver) -> None:
    """With its model calls, its tools and its answer in Slack below the agent's span, whoever of us made them."""
    spans = traced(stage, collector, crowd.like("U0MAYA"), "I am locked out of my account", posts={"reply"})
    [root] = [one for one in spans if not one.parent]
    assert root.name == "invoke_agent access"
    assert {one.parent for one in spans if one is not root} == {root.id}
    names = {one.name for one in spans}
    assert {"chat stand-in-1", "execute_tool look_up_my_account", "slack post"} <= names
    assert root.attributes["agent.outcome"] == "reply"
    assert root.attributes["agent.turns"] == sum(one.name == "chat stand-in-1" for one in spans)
    assert {one.kind for one in spans if one.name in ("chat stand-in-1", "slack post")} == {3}
    assert all(root.started <= one.started <= one.ended for one in spans)
    assert {one.resource["service.name"] for one in spans} == {"deskhand"}


@pytest.mark.usefixtures("untroubled")
def test_a_handoff_can_be_followed_to_the_queue_channel(stage: Stage, collector: OtlpReceiver) -> None:
    """The handoff, the card for responders and the notice to the requester are in the trace of the turn."""
    spans = traced(stage, collector, crowd.like("U0LENA"), "I lost my phone", posts={"card", "notice"})
    [handoff] = [one for one in spans if one.name == "execute_tool hand_off"]
    assert handoff.attributes["gen_ai.agent.handoff.source.name"] == "access"
    assert handoff.attributes["gen_ai.agent.handoff.target.name"] == "responders"
    [root] = [one for one in spans if not one.parent]
    assert root.attributes["agent.outcome"] == "handoff"

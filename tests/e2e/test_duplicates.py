"""Once, and in order: what Slack delivers again, and what a person adds while a worker is at it."""

import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from bot.sandbox.demo.scenes.checks import Json
from bot.sandbox.demo.scenes.stage import Stage, Thread
from bot.store.schema import InboxEvent
from tests.e2e.product_processes import direct
from tests.support import crowd

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("untroubled")]

TWICE = {"method": "events", "kind": "deliver_twice", "times": 2}
UNDER_ANOTHER_ID = {"method": "events", "kind": "new_event_id", "times": 2}
"Two times, since a mention is two events."


def deliveries(stage: Stage, thread: Thread) -> list[Json]:
    """Return how the events of a request's thread were delivered and acknowledged."""
    entries = direct(f"{stage.running_demo.page}sandbox/log")
    ours = [one for one in entries if one["kind"] == "event" and one["name"] in ("message", "app_mention")]
    return [one for one in ours if (one["channel"], one["thread"]) == (thread.channel, thread.ts)]


def events(stage: Stage, thread: Thread) -> list[InboxEvent]:
    """Return what was stored of a thread, in the order it came."""
    ticket = stage.history(thread).ticket.id
    query = select(InboxEvent).where(InboxEvent.ticket_id == ticket).order_by(InboxEvent.id)
    return stage.read(lambda session: list(session.scalars(query)))


def add(stage: Stage, thread: Thread, text: str) -> None:
    """Let the requester say more in their thread."""
    stage.act("say", user=thread.user, channel=thread.channel, thread_ts=thread.ts, text=text)


def settled(stage: Stage, thread: Thread, *, turns: int) -> list[Any]:
    """Wait until so many turns have ended and all is said; return them."""
    stage.wait(f"{turns} turns", lambda: len(stage.history(thread).turns) >= turns)
    return list(stage.done(thread).turns)


def test_event_delivered_again_is_one_turn(stage: Stage) -> None:
    """Three times under one id and once under another, and again after the answer: one turn, one answer."""
    stage.slack_faults(TWICE, TWICE, UNDER_ANOTHER_ID)
    thread = stage.ask(crowd.like("U0FINN"), "When is the next payday?")
    stage.answer(thread)
    delivered = stage.wait("every delivery", lambda: _all(deliveries(stage, thread), 9))
    times = Counter(str(one["event_id"]) for one in delivered)
    assert sorted(times.values()) == [1, 1, 1, 3, 3]  # the single ones: under other ids, and the answer itself
    for event_id in times:
        for new_id in (False, True):
            direct(f"{stage.running_demo.page}sandbox/redeliver", {"event_id": event_id, "new_id": new_id})
    delivered = stage.wait("the late deliveries", lambda: _all(deliveries(stage, thread), 19))
    assert [one["ok"] for one in delivered] == [True] * 19
    story = stage.done(thread)
    assert len(story.turns) == len(events(stage, thread)) == 1
    assert len(stage.replies(thread)) == 1


def test_message_during_a_turn_waits_for_the_next(stage: Stage) -> None:
    """What is said while a turn runs is parked, folded into one next turn, and answered after the first answer."""
    stage.model_faults({"kind": "slow", "seconds": 2, "times": 1})
    thread = stage.ask(crowd.like("U0FINN"), "When is the next payday?")
    stage.wait("the turn to run", lambda: _is_running(stage, thread))
    add(stage, thread, "And who is the head of sales?")
    add(stage, thread, "And what is for lunch?")
    stage.wait(
        "both to be heard", lambda: [one.state for one in events(stage, thread)] == ["accepted", "parked", "parked"]
    )
    assert stage.replies(thread) == []
    first, second = settled(stage, thread, turns=2)
    assert [one.turn_id for one in events(stage, thread)] == [first.id, second.id, second.id]
    assert [turn.outcome for turn in (first, second)] == ["reply", "reply"]
    answers = [one for one in stage.history(thread).messages if one.kind == "reply"]
    assert [(one.turn_id, one.state) for one in answers] == [(first.id, "posted"), (second.id, "posted")]
    assert [one["text"] for one in stage.replies(thread)] == [one.body["text"] for one in answers]
    assert first.finished_at <= second.started_at


def test_message_during_a_handoff_reaches_the_person(stage: Stage) -> None:
    """What is said while the turn that ends in a handoff runs is copied below the card, and starts no turn."""
    stage.model_faults({"kind": "slow", "seconds": 2, "times": 1})
    thread = stage.ask(crowd.like("U0LENA"), "I lost my phone and can't get the code to sign in.")
    stage.wait("the turn to run", lambda: _is_running(stage, thread))
    add(stage, thread, "It was in my blue coat.")
    [turn] = settled(stage, thread, turns=1)
    assert turn.outcome == "handoff"
    card = stage.card(thread)
    stage.wait("her words", lambda: [one for one in stage.queue_thread(card) if "blue coat" in json.dumps(one)])
    assert len(stage.replies(thread)) == 1


def test_messages_in_one_breath_are_all_answered(stage: Stage) -> None:
    """Five messages in one breath are all taken up, each in one turn, and each turn has one answer."""
    thread = stage.ask(crowd.like("U0FINN"), "When is the next payday?")
    for number in range(4):
        add(stage, thread, f"Question {number}: what is the weather like?")
    stage.wait("the first to be heard", lambda: stage.history_so_far(thread))
    stage.wait("all to be taken up", lambda: [bool(one.turn_id) for one in events(stage, thread)] == [True] * 5)
    story = stage.done(thread)
    assert {one.turn_id for one in events(stage, thread)} == {turn.id for turn in story.turns}
    assert len(stage.replies(thread)) == len(story.turns)


def _all(delivered: list[Json], count: int) -> list[Json] | None:
    return delivered if len(delivered) >= count else None


def _is_running(stage: Stage, thread: Thread) -> bool:
    story = stage.history_so_far(thread)
    return story is not None and story.turns[0].state == "running"

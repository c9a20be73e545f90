"""Faults of a handoff that only real processes show: a worker that is killed half-way, a Redis that comes back empty.

Slack is slow, so that each moment lasts long enough to be seen from outside; how long a dead sender is waited
for is shortened by changing rows.
"""

import json
import time
from functools import partial

import pytest
from sqlalchemy import update

from bot.sandbox.demo.scenes import dying
from bot.sandbox.demo.scenes.dying import Killed, Point
from bot.sandbox.demo.scenes.stage import HELP, QUEUE, Stage, Thread, typed
from bot.store.schema import Message, now
from bot.store.tickets.ticket_history import TicketHistory
from tests.e2e.product import HTTP
from tests.support import crowd

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("house", [HTTP], indirect=True, ids=["http-sqlite"])]

SECONDS = 0.5
"How long Slack takes to post."
TRIES = 5
WISH = "I want to talk to a person."
PEOPLE = {"card": "U0LENA", "notice": "U0FINN", "transcript": "U0GRACE"}
"Who asks, by the part of the opening in which something dies."
REDIS, ANSWER = "U0AIKO", "Please come by with your badge."


@pytest.fixture
def slow(stage: Stage) -> None:
    """Let Slack take its time with every post."""
    post = {"method": "chat.postMessage", "kind": "slow", "seconds": SECONDS, "times": -1}
    stage.slack_faults({**post, "channel": QUEUE}, {**post, "channel": HELP})


def sending(kind: str) -> Point:
    """Return the moment in which a part of the opening is on its way to Slack."""
    is_here = partial(is_sending, kind)
    return Point(f"while it posts the {kind}", crowd.like(PEOPLE[kind]), WISH, is_here)


def is_sending(kind: str, story: TicketHistory) -> bool:
    """Return whether a part of the opening is on its way."""
    return any(one.kind == kind and one.state == "sending" for one in story.messages)


def kill_while_sending(stage: Stage, part: str) -> Killed:
    """Kill a worker in that moment; on a busy machine it may take a few who ask until we come in time."""
    tries = (dying.kill(stage, sending(part)) for _ in range(TRIES))
    killed = next((one for one in tries if one is not None), None)
    assert killed is not None, f"the {part} was posted each time"
    return killed


def give_up(stage: Stage, thread: Thread) -> None:
    """Let the time be over that a sender is waited for."""
    ticket = stage.history(thread).ticket.id
    with stage.running_demo.database.write() as session:
        unsaid = update(Message).where(Message.ticket_id == ticket, Message.state == "sending")
        session.execute(unsaid.values(due_at=now()))


def stands_once(stage: Stage, thread: Thread) -> None:
    """See that there is one card, one transcript and one notice, and that somebody can take it and answer."""
    story = stage.done(thread)
    cards = [
        one["text"] for one in stage.sees("U0PRIYA")["messages"][QUEUE] if f"Ticket {story.ticket.id} " in one["text"]
    ]
    assert len(cards) == 1
    below = [json.dumps(one["blocks"]) for one in stage.queue_thread(stage.card(thread))]
    assert sum("Transcript" in one for one in below) == 1
    assert ["called in a person" in one["text"] for one in stage.replies(thread)] == [True]
    stage.claim("U0PRIYA", thread)
    stage.fill("U0PRIYA", thread, "reply", text=typed(ANSWER))
    stage.wait("the answer", lambda: [one for one in stage.replies(thread) if ANSWER in one["text"]])
    said = [json.dumps(one["blocks"]) for one in stage.replies(thread)]
    assert [sum(words in one for one in said) for words in ("has your request", ANSWER)] == [1, 1]


@pytest.mark.usefixtures("slow")
def test_a_worker_killed_while_it_opens_a_handoff(stage: Stage) -> None:
    """In the middle of posting card, notice or transcript: another says the rest, and nothing is there twice."""
    killed = [kill_while_sending(stage, part) for part in PEOPLE]
    stage.slack_faults()
    time.sleep(SECONDS)  # Slack goes on with what the dead have sent
    for one in killed:
        give_up(stage, one.thread)
    for one in killed:
        stands_once(stage, one.thread)


@pytest.mark.usefixtures("slow")
def test_a_redis_that_comes_back_empty(stage: Stage) -> None:
    """Killed while the card is on its way: nothing is lost or said twice, and the next request is answered."""
    thread, supervisor = stage.ask(crowd.like(REDIS), WISH), stage.running_demo.supervisor
    stage.wait("the card to be on its way", lambda: _is_here(stage, thread))
    supervisor.kill(supervisor._running["redis"].pid)
    stage.slack_faults()
    time.sleep(SECONDS)
    give_up(stage, thread)
    stands_once(stage, thread)
    stage.answer(stage.ask(crowd.like(REDIS), "When is the next payday?"))


def _is_here(stage: Stage, thread: Thread) -> bool:
    story = stage.history_so_far(thread)
    return story is not None and is_sending("card", story)

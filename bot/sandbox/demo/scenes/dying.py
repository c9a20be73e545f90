"""Workers are killed in the middle of turns; every person still gets one answer, and the directory one write.

The model and Slack are slowed down, so that each point of a turn lasts long enough to be seen from outside;
the worker that holds the turn gets SIGKILL right there. A machine that is busy may miss a point: it is tried
once more, with more time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.demo.scenes.checks import Json, Unexpected, check
from bot.sandbox.demo.scenes.stage import HELP, Stage, Thread
from bot.store.schema import MessageKind, MessageState, StepKind, StepStatus, TurnOutcome, TurnState
from bot.store.tickets.ticket_history import TicketHistory

MODEL_SECONDS = 0.6
SLACK_SECONDS = 0.8
LONGER = 6
"How many times as long a point lasts that was missed."
RECOVERY_SECONDS = 180.0
"A post that died half-way is looked up after its sender's time is over."
SWEEP_SECONDS = 3.0
"Longer than the clock's round: what would be done twice is done within this."
LOCKED_OUT = "I'm locked out of my account."


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a turn, seen in the database, and who asks."""

    name: str
    user: str
    text: str
    is_here: Callable[[TicketHistory], bool]


@dataclass(frozen=True, slots=True)
class Killed:
    """A turn whose worker is dead."""

    point: Point
    thread: Thread
    died_at: float


def worker_killed(stage: Stage) -> Json:
    """Kill the worker at each point, then see that everybody is answered once."""
    try:
        killed = [_kill_at(stage, point) for point in POINTS]
    finally:
        stage.model_faults()
        stage.slack_faults()
    answered = [_answered(stage, one) for one in killed]
    time.sleep(SWEEP_SECONDS)  # nothing tells that something will not happen twice
    stories = [_once(stage, one) for one in killed]
    points = [
        {"point": one.point.name, "ticket": story.ticket.id, "attempts": story.turns[0].attempt, "ms": took}
        for one, story, took in zip(killed, stories, answered, strict=True)
    ]
    cost = sum(story.cost_nusd for story in stories)
    return {"kills": len(killed), "answers": len(killed), "writes": len(killed), "cost_nusd": cost, "points": points}


def _kill_at(stage: Stage, point: Point) -> Killed:
    """Have a worker killed at a point, at the second try if the first one misses it."""
    _slow_down(stage, MODEL_SECONDS, SLACK_SECONDS, {"channel": HELP})
    account = f"acc-{point.user.removeprefix('U0').lower()}"
    stage.an_hour_passes(account)
    if (killed := kill(stage, point)) is None:
        _slow_down(stage, MODEL_SECONDS * LONGER, SLACK_SECONDS * LONGER, {})
        stage.an_hour_passes(account)
        if point.text == LOCKED_OUT:
            stage.lock(account)
        killed = kill(stage, point, private=True)  # in the channel it would be added to what was asked there
    if killed is None:
        raise Unexpected(f"no worker could be killed {point.name}: it was over each time")
    return killed


def _slow_down(stage: Stage, model: float, slack: float, where: Json) -> None:
    slow = {"kind": "slow", "seconds": slack, "times": -1}
    stage.model_faults({"kind": "slow", "seconds": model, "times": -1})
    stage.slack_faults({"method": "users.info", **slow}, {"method": "chat.postMessage", **where, **slow})


def kill(stage: Stage, point: Point, *, private: bool = False) -> Killed | None:
    """Ask, wait for the point, and kill the worker that holds the turn; return None if the point was over by then."""
    thread = stage.ask(point.user, point.text, private=private)

    def look() -> TicketHistory | None:
        story = stage.story_so_far(thread)
        return story if story is not None and story.turns and (point.is_here(story) or _is_over(story)) else None

    story = stage.wait(f"the point {point.name!r}", look)
    if point.is_here(story):
        stage.sitting.crew.kill(_worker(story))
        if point.is_here(stage.story(thread)):
            stage.say(f"  (the worker is killed {point.name})")
            return Killed(point, thread, time.monotonic())
    stage.say(f"  (too late to kill a worker {point.name})")
    stage.done(thread)
    return None


def _is_over(story: TicketHistory) -> bool:
    unsaid = any(one.state in (MessageState.STORED, MessageState.SENDING) for one in story.messages)
    return not unsaid and all(turn.state is TurnState.DONE for turn in story.turns)


def _worker(story: TicketHistory) -> int:
    """Return the process that holds a turn, from the name in its lease: host:process."""
    owner = story.turns[0].lease_owner or ""
    number = owner.split(":")[1] if ":" in owner else ""
    if not number.isdecimal():
        raise Unexpected(f"no process in the lease's owner {owner!r}")
    return int(number)


def _answered(stage: Stage, one: Killed) -> int:
    """Wait for the answer after a death; return the milliseconds since the request."""
    what = f"an answer to {stage.name(one.thread.user)}, whose worker was killed {one.point.name}"
    first = stage.wait(what, lambda: stage.replies(one.thread), seconds=RECOVERY_SECONDS)[0]
    took = round((float(first["ts"]) - float(one.thread.ts)) * 1000)
    stage.heard(f"deskhand to {stage.name(one.thread.user)}, {took / 1000:.1f} s after the request", first)
    return took


def _once(stage: Stage, one: Killed) -> TicketHistory:
    story, replies = stage.done(one.thread), stage.replies(one.thread)
    check(len(replies) == 1, f"one answer after death {one.point.name}", [reply["text"] for reply in replies])
    check(len(story.writes) == 1, f"one write after death {one.point.name}", [write.action for write in story.writes])
    check(story.turns[-1].outcome is TurnOutcome.REPLY, "a reply", story.turns[-1].outcome)
    return story


def _running(story: TicketHistory) -> bool:
    return story.turns[0].state is TurnState.RUNNING and story.turns[0].lease_owner is not None


def _thinks_after(*tools: str) -> Callable[[TicketHistory], bool]:
    """Recognise the model call that follows these tools and no others."""

    def is_here(story: TicketHistory) -> bool:
        used = {step.name for step in story.steps if step.kind is StepKind.TOOL and step.status is StepStatus.OK}
        thinking = bool(story.steps) and story.steps[-1].kind is StepKind.MODEL and story.steps[-1].response is None
        return _running(story) and thinking and used == set(tools)

    return is_here


def _posting(story: TicketHistory) -> bool:
    return story.turns[0].state is TurnState.DONE and any(
        one.kind is MessageKind.REPLY and one.state is MessageState.SENDING for one in story.messages
    )


POINTS = (
    Point("before the first model call", "U0IVAN", LOCKED_OUT, lambda story: _running(story) and not story.steps),
    Point("during the first model call", "U0AIKO", LOCKED_OUT, _thinks_after()),
    Point("between looking up and writing", "U0TOMAS", "My password has expired.", _thinks_after("look_up_my_account")),
    Point("after the directory write", "U0FINN", LOCKED_OUT, lambda story: _running(story) and bool(story.writes)),
    Point("between storing and posting", "U0GRACE", LOCKED_OUT, _posting),
)

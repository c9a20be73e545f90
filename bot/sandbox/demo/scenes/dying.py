"""Workers are killed in the middle of turns; every person still gets one answer, and every account one write.

The model and Slack are slowed down, so that each point of a turn lasts long enough to be observed; there the worker
that holds the turn gets SIGKILL. On a busy machine a point may be missed: it is tried again, with more time.
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
"How many times longer a point lasts in the second try."
RECOVERY_SECONDS = 180.0
"Includes that a post whose sender died is looked up only after the sender's lease has expired."
SWEEP_SECONDS = 3.0
"Longer than one round of the clock: a repeated act would happen within this time."
LOCKED_OUT = "I'm locked out of my account."


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a turn, recognised in the database, and who asks."""

    name: str
    user: str
    text: str
    is_here: Callable[[TicketHistory], bool]


@dataclass(frozen=True, slots=True)
class Killed:
    """A turn whose worker was killed."""

    point: Point
    thread: Thread
    died_at: float


def worker_killed(stage: Stage) -> Json:
    """Kill the worker at each point, then check that everybody is answered once."""
    try:
        killed = [_kill_at(stage, point) for point in POINTS]
    finally:
        stage.model_faults()
        stage.slack_faults()
    answered = [_answered(stage, one) for one in killed]
    time.sleep(SWEEP_SECONDS)  # that nothing happens twice can only be seen by waiting
    stories = [_once(stage, one) for one in killed]
    points = [
        {"point": one.point.name, "ticket": history.ticket.id, "attempts": history.turns[0].attempt, "ms": took}
        for one, history, took in zip(killed, stories, answered, strict=True)
    ]
    cost = sum(history.cost_nusd for history in stories)
    return {"kills": len(killed), "answers": len(killed), "writes": len(killed), "cost_nusd": cost, "points": points}


def _kill_at(stage: Stage, point: Point) -> Killed:
    """Kill a worker at a point, in a second try if the first one misses it."""
    _slow_down(stage, MODEL_SECONDS, SLACK_SECONDS, {"channel": HELP})
    account = f"acc-{point.user.removeprefix('U0').lower()}"
    stage.an_hour_passes(account)
    stage.slack_is_asked_again(point.user)
    if (killed := kill(stage, point)) is None:
        _slow_down(stage, MODEL_SECONDS * LONGER, SLACK_SECONDS * LONGER, {})
        stage.an_hour_passes(account)
        stage.slack_is_asked_again(point.user)
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
        history = stage.history_so_far(thread)
        return (
            history if history is not None and history.turns and (point.is_here(history) or _is_over(history)) else None
        )

    history = stage.wait(f"the point {point.name!r}", look)
    if point.is_here(history):
        stage.running_demo.supervisor.kill(_worker(history))
        if point.is_here(stage.history(thread)):
            stage.say(f"  (the worker is killed {point.name})")
            return Killed(point, thread, time.monotonic())
    stage.say(f"  (too late to kill a worker {point.name})")
    stage.done(thread)
    return None


def _is_over(history: TicketHistory) -> bool:
    unsaid = any(one.state in (MessageState.STORED, MessageState.SENDING) for one in history.messages)
    return not unsaid and all(turn.state is TurnState.DONE for turn in history.turns)


def _worker(history: TicketHistory) -> int:
    """Return the process that holds a turn, from the name in its lease (host:process)."""
    owner = history.turns[0].lease_owner or ""
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
    history, replies = stage.done(one.thread), stage.replies(one.thread)
    check(len(replies) == 1, f"one answer after death {one.point.name}", [reply["text"] for reply in replies])
    check(
        len(history.writes) == 1, f"one write after death {one.point.name}", [write.action for write in history.writes]
    )
    check(history.turns[-1].outcome is TurnOutcome.REPLY, "a reply", history.turns[-1].outcome)
    return history


def _running(history: TicketHistory) -> bool:
    return history.turns[0].state is TurnState.RUNNING and history.turns[0].lease_owner is not None


def _thinks_after(*tools: str) -> Callable[[TicketHistory], bool]:
    """Recognise the model call that follows exactly these tools."""

    def is_here(history: TicketHistory) -> bool:
        used = {step.name for step in history.steps if step.kind is StepKind.TOOL and step.status is StepStatus.OK}
        thinking = (
            bool(history.steps) and history.steps[-1].kind is StepKind.MODEL and history.steps[-1].response is None
        )
        return _running(history) and thinking and used == set(tools)

    return is_here


def _posting(history: TicketHistory) -> bool:
    return history.turns[0].state is TurnState.DONE and any(
        one.kind is MessageKind.REPLY and one.state is MessageState.SENDING for one in history.messages
    )


POINTS = (
    Point("before the first model call", "U0IVAN", LOCKED_OUT, lambda seen: _running(seen) and not seen.steps),
    Point("during the first model call", "U0AIKO", LOCKED_OUT, _thinks_after()),
    Point("between looking up and writing", "U0TOMAS", "My password has expired.", _thinks_after("look_up_my_account")),
    Point("after the directory write", "U0FINN", LOCKED_OUT, lambda seen: _running(seen) and bool(seen.writes)),
    Point("between storing and posting", "U0GRACE", LOCKED_OUT, _posting),
)

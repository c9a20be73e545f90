"""A release moves away from its own past: the clock finds it and tells the owner; without a shift it finds nothing.

A history of a thousand tickets would take an hour to play. So it is written into the database as rows, by what the
stand-in does with the same words (`bot.sandbox.standin.replay`); the comparison, the alert and the message are those of
the running processes.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from random import Random

from bot.sandbox.demo.scenes.checks import Json, Unexpected, check, holding
from bot.sandbox.demo.scenes.stage import HELP, Stage
from bot.sandbox.standin import MODEL
from bot.sandbox.standin.replay import ReplayedTurn, replay
from bot.store.figures import demo_history, drift_checks, owner_alerts
from bot.store.figures.drift_checks import DriftReading
from bot.store.figures.first_turns import SETTLED, FirstTurn
from bot.store.releases import eval_runs
from bot.store.schema import AlertKind, DriftStream, TurnOutcome, now

OWNER, HOME, AGENT = "U0OLIVIA", "D0OLIVIA", "access"
PAST, BATCH = 1_000, 150
AT_ONCE = timedelta(microseconds=1)
"Between the tickets of a batch: all of it settles before the next check, so no check sees a part of it."
SHIFTED = 0.4
"The share of requests that the shifted stand-in hands over at once."
REQUESTS = (
    *("I'm locked out of my account.", "Why is my account blocked?", "I tried my PIN too many times"),
    *("I forgot my password", "My password has expired", "how do I reset my password", "I can't log in"),
    *("I lost my phone and cannot sign in", "Somebody else signed in as me", "hello", "When is the next payday?"),
)
STATES = ("locked", "password_expired", "active")
MOVED = "does not behave as it did before"


def drift(stage: Stage) -> Json:
    """The clock compares the last tickets with the first thousand: nothing moved; then a shifted stand-in is found."""
    release, random = _served(stage), Random(1)
    stage.say(f"  ({PAST + BATCH:,} tickets of the past are written into the database, as the stand-in answers them)")
    at = now()
    past = _tickets(random, PAST, until=at - timedelta(days=2), every=timedelta(minutes=2))
    recent = _tickets(random, BATCH, until=at - SETTLED)
    _write(stage, release, [*past, *recent])
    steady = stage.wait("the clock to compare them", lambda: _readings(stage, release))
    moved = [f"{one.stream}/{one.window}" for one in steady if one.drifted]
    check(moved == [], "no drift of the stand-in as it was", moved)
    check(_told(stage) is None, "nothing told to the owner", _told(stage))
    stage.say(f"  ({BATCH} more; of these, a shifted stand-in hands {SHIFTED:.0%} over without looking)")
    began = time.monotonic()
    _write(stage, release, _tickets(random, BATCH, until=now() - SETTLED, shifted=SHIFTED))
    told = stage.wait("the owner to be told of drift", lambda: _told(stage))
    took = round((time.monotonic() - began) * 1000)
    stage.heard(f"deskhand to {stage.name(OWNER)}", told)
    check("*Outcome*" in told["text"] and "`handoff` from" in told["text"], "more handoffs", told["text"])
    outcome = next(one for one in _readings(stage, release) or () if one.drifted and one.stream is DriftStream.OUTCOME)
    found = stage.read(lambda session: owner_alerts.open_ones(session, AGENT, AlertKind.DRIFT))
    check([one.subject for one in found] == [release], f"one open drift, of {release}", [one.subject for one in found])
    shares = {shift.value: [round(shift.before, 3), round(shift.now, 3)] for shift in outcome.moved}
    figures = {"p_value": outcome.p_value, "effect": round(outcome.effect, 3), "window": outcome.window}
    return {"release": release, "steady": len(steady), "ms": took, "moved": shares, **figures}


def _served(stage: Stage) -> str:
    """Return the release that the demo serves."""
    run = stage.read(lambda session: eval_runs.last_run(session, AGENT))
    if run is None:
        raise Unexpected("the agent was never evaluated")
    return run.release


def _tickets(
    random: Random, count: int, *, until: datetime, every: timedelta = AT_ONCE, shifted: float = 0.0
) -> list[FirstTurn]:
    """Return tickets, the last of which ends at a time."""
    return [
        _ticket(random, until - every * (count - number), over=random.random() < shifted)
        for number in range(1, count + 1)
    ]


def _ticket(random: Random, ends: datetime, *, over: bool) -> FirstTurn:
    words, status = random.choice(REQUESTS), random.choice(STATES)
    turn = ReplayedTurn(handed_over=True, tools=(), model_calls=1, written=40) if over else _replayed(words, status)
    outcome = TurnOutcome.HANDOFF if turn.handed_over else TurnOutcome.REPLY
    seconds = turn.model_calls * random.lognormvariate(0.0, 0.5)
    return FirstTurn(0, 0, ends, outcome, turn.tools, turn.model_calls, seconds, turn.written // 4)


@cache
def _replayed(words: str, status: str) -> ReplayedTurn:
    return replay(words, status=status)


def _write(stage: Stage, release: str, tickets: Sequence[FirstTurn]) -> None:
    with stage.running_demo.database.write() as session:
        demo_history.write(session, tickets, agent=AGENT, release=release, model=MODEL, channel=HELP)


def _readings(stage: Stage, release: str) -> Sequence[DriftReading] | None:
    """Return the latest readings, or None before the first check."""
    return stage.read(lambda session: drift_checks.latest(session, AGENT, release)) or None


def _told(stage: Stage) -> Json | None:
    """Return what the owner was told of drift, or None."""
    return holding([one for one in stage.sees(OWNER)["messages"].get(HOME, []) if one.get("bot_id")], MOVED)

"""The directory is down for everybody: people get one card, and the agent goes on with each when it is back.

The scene takes the directory's table away from the running processes, so that its calls really fail. Everybody asks in
a direct message, and they are people without another open request there, to which their words would be added.
"""

import time
from collections.abc import Callable
from functools import partial

from bot.sandbox.demo.scenes.checks import Json, buttons, check, facts, holding
from bot.sandbox.demo.scenes.stage import HELP, QUEUE, Stage, Thread
from bot.store.accounts import outage
from bot.store.db import Session
from bot.store.schema import Surge, SurgeEnd, TurnOutcome
from bot.store.tickets import surges

FIRST, LATER = ("U0SAM", "U0FINN", "U0IVAN"), ("U0BEN", "U0PRIYA")
DOWN, BACK = "is not answering right now", "answers again"


def surge(stage: Stage) -> Json:
    """The directory is down: one card for all, no model call, and the agent goes on with each when it is back."""
    began = time.monotonic()
    stage.say("  (the directory stops answering)")
    _directory(stage, outage.begin)
    try:
        first = [stage.ask(user, "I am locked out of my account", private=True) for user in FIRST]
        notice = stage.wait("a notice in the help channel", lambda: holding(_in_help(stage), DOWN))
        stage.heard("deskhand in #help-access", notice)
        later = [stage.ask(user, "I cannot sign in", private=True) for user in LATER]
        for thread in later:
            told, _ = stage.answer(thread)
            check(DOWN in told["text"] and "surge.different" in buttons(told), "a linked request", told["text"])
        under_way = stage.wait("one surge", lambda: stage.read(surges.all_under_way))[0]
        everybody = len(FIRST) + len(LATER)
        card = stage.wait("the card to count up", lambda: _counting(stage, everybody))
        cards = [one for one in _in_queue(stage) if "account can be read" in str(one["blocks"])]
        check(len(cards) == 1, "one card", len(cards))
    finally:
        stage.say("  (the directory answers again)")
        _directory(stage, outage.end)
    for thread in later:
        stage.heard("deskhand", stage.wait("the end to be told", partial(_told, stage, thread, BACK)))
    over = stage.wait("everybody to be told", lambda: _settled(stage, under_way.id))
    check(over.over_by is SurgeEnd.ANSWERS, "a directory that answers", over.over_by)
    histories = [stage.done(thread) for thread in (*first, *later)]
    check(holding(_in_help(stage), BACK), "a notice that it is over", _in_help(stage)[-1]["text"])
    calls = {history.ticket.requester: len(history.calls) for history in histories}
    outcomes = [history.turns[-1].outcome for history in histories]
    check(TurnOutcome.LINKED not in outcomes, "an outcome of the agent for each", outcomes)
    return facts(
        histories[-1],
        ms=round((time.monotonic() - began) * 1000),
        people=everybody,
        handoffs=sum(len(history.handoffs) for history in histories),
        calls=calls,
        card=card["text"],
        by=over.over_by,
    )


def _directory(stage: Stage, change: Callable[[Session], None]) -> None:
    with stage.running_demo.database.write() as session:
        change(session)


def _in_help(stage: Stage) -> list[Json]:
    return [one for one in stage.sees("U0PRIYA")["messages"][HELP] if one.get("bot_id")]


def _in_queue(stage: Stage) -> list[Json]:
    return [one for one in stage.sees("U0PRIYA")["messages"][QUEUE] if one.get("bot_id") and one.get("blocks")]


def _counting(stage: Stage, people: int) -> Json | None:
    return holding(_in_queue(stage), f"{people} people are affected")


def _told(stage: Stage, thread: Thread, words: str) -> Json | None:
    return holding(stage.replies(thread), words)


def _settled(stage: Stage, surge_id: int) -> Surge | None:
    found = stage.read(lambda session: surges.find(session, surge_id))
    return found if found is not None and found.settled_at is not None else None

"""A handoff that nobody takes is escalated, and a claim expires.

It is Lena's ticket, reopened after it was resolved. Minutes pass by moving the handoff's own times back; the clock does
the rest.
"""

import time

from bot.sandbox.demo.scenes.checks import Json, buttons, check, facts, holding
from bot.sandbox.demo.scenes.handing_over import resolve
from bot.sandbox.demo.scenes.stage import Stage, Thread
from bot.store.handoffs import handoff_history
from bot.store.schema import MoveKind

HOLDER, OTHER = "U0PRIYA", "U0BEN"
SETTLE_SECONDS = 5.0
"Longer than two rounds of the clock: a repeated message would be posted within this time."


def escalation(stage: Stage) -> Json:
    """Nobody takes it: the queue is reminded, those on call are mentioned, Lena is told, each once."""
    thread = _reopened(stage)
    return stage.once("escalated", lambda: _escalated(stage, thread))


def expire(stage: Stage) -> Json:
    """Priya claims it and does nothing: she is reminded, her claim expires, and Ben can claim it."""
    thread = _reopened(stage)
    stage.once("escalated", lambda: _escalated(stage, thread))
    stage.claim(HOLDER, thread)
    began = time.monotonic()
    stage.pass_time(thread, 26)
    stage.heard("in the queue thread", stage.below(thread, "your claim ends at"))
    stage.pass_time(thread, 5)
    stage.wait("the claim to end", lambda: "handoff.claim" in buttons(stage.card(thread)))
    stage.heard("in the queue thread", stage.below(thread, "has expired"))
    stage.wait("Lena to be told", lambda: holding(stage.replies(thread), "with the whole team again"))
    took = round((time.monotonic() - began) * 1000)
    row = stage.handoff(thread)
    check((row.state, row.claimed_by, row.expiries) == ("open", None, 1), "an open handoff", row.state)
    stage.claim(OTHER, thread)
    stage.notes(HOLDER, thread, "> Are you still there?")
    stage.wait("Priya to be told", lambda: holding(stage.sees(HOLDER)["ephemeral"], "not sent"))
    return facts(stage.history(thread), ms=took, expired=HOLDER, by=OTHER, expiries=row.expiries)


def _reopened(stage: Stage) -> Thread:
    """Return Lena's thread with an unclaimed handoff."""
    if "resolved" not in stage.kept:
        resolve(stage)
    thread: Thread = stage.kept["claimed"].thread
    return thread


def _escalated(stage: Stage, thread: Thread) -> Json:
    began = time.monotonic()
    stage.pass_time(thread, 6)
    stage.heard("in the queue thread", stage.below(thread, "Nobody has taken this yet"))
    stage.pass_time(thread, 5)
    stage.heard("in the queue thread", stage.below(thread, "Nobody has taken this, and"))
    stage.pass_time(thread, 5)
    told = stage.wait("Lena to be told", lambda: holding(stage.replies(thread), "Nobody has been free"))
    stage.heard("deskhand", told)
    took = round((time.monotonic() - began) * 1000)
    time.sleep(SETTLE_SECONDS)
    handoff, said = stage.handoff(thread), stage.queue_thread(stage.card(thread))
    moves = stage.read(lambda session: [one.move for one in handoff_history.of_handoff(session, handoff.id)])
    check(moves == [MoveKind.OPENED, *[MoveKind.ESCALATED] * 3], "three steps", moves)
    once = {
        words: sum(words in one["text"] for one in [*said, *stage.replies(thread)])
        for words in ("Nobody has taken this yet", "Nobody has taken this, and", "Nobody has been free")
    }
    check(set(once.values()) == {1}, "each said once", once)
    return facts(stage.history(thread), ms=took, steps=moves.count(MoveKind.ESCALATED), handoff=handoff.id)

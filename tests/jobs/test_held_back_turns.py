"""Held-back turns that have room by now: `jobs.held_back_turns`."""

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter

import pytest

from bot.queue import RUN_TURN
from bot.store.schema import Turn
from bot.store.tickets import tickets
from jobs import held_back_turns
from jobs.process import WorkerContext
from tests.support.factories import finish, heard, rows, running


def held_back(ctx: WorkerContext, count: int) -> list[int]:
    """Let one person ask in so many threads more than they may have turns at once; return those turns."""
    for number in range(count + 1):
        with ctx.database.write() as session:
            tickets.accept(session, replace(heard(number + 1), thread_ts=None), agent="access", at_once=1)
    first, *turns = sorted(rows(ctx.database, Turn), key=attrgetter("id"))
    assert (first.held_back, {turn.held_back for turn in turns}) == (False, {True})
    finish(ctx.database, running(ctx.database, first.id))
    return [turn.id for turn in turns]


@pytest.mark.parametrize(
    "queue_next", [held_back_turns.look, lambda ctx: held_back_turns.queue_next(ctx, "T1", "U0MAYA", "access")]
)
@pytest.mark.parametrize("gone", [False, True])
def test_as_many_go_as_the_agent_lets_one_person_have(
    ctx: WorkerContext, queue_next: Callable[[WorkerContext], None], *, gone: bool
) -> None:
    """The oldest first; of an agent that is gone one by one, as each only ends with a sentence that says so."""
    most = ctx.agents["access"].card.per_person.turns
    assert most > 1
    waiting = held_back(ctx, most + 1)
    if gone:
        object.__setattr__(ctx, "agents", {})
    queue_next(ctx)
    queue_next(ctx)
    queued = [job.args[0] for job in ctx.queue.queue.get_jobs() if job.func_name == RUN_TURN]
    assert queued == waiting[: 1 if gone else most]

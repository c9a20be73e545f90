"""Held-back turns that have room by now: `jobs.room`."""

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter

import pytest

from bot.queue import RUN_TURN
from bot.store.schema import Turn
from bot.store.tickets import tickets
from jobs import room
from jobs.process import Process
from tests.support.factories import finish, heard, rows, running


def held_back(house: Process, count: int) -> list[int]:
    """Let one person ask in so many threads more than they may have turns at once; return those turns."""
    for number in range(count + 1):
        with house.database.write() as session:
            tickets.accept(session, replace(heard(number + 1), thread_ts=None), agent="access", at_once=1)
    first, *turns = sorted(rows(house.database, Turn), key=attrgetter("id"))
    assert (first.held_back, {turn.held_back for turn in turns}) == (False, {True})
    finish(house.database, running(house.database, first.id))
    return [turn.id for turn in turns]


@pytest.mark.parametrize("let_go", [room.look, lambda house: room.let_go(house, "T1", "U0MAYA", "access")])
@pytest.mark.parametrize("gone", [False, True])
def test_as_many_go_as_the_agent_lets_one_person_have(
    house: Process, let_go: Callable[[Process], None], *, gone: bool
) -> None:
    """The oldest first; of an agent that is gone one by one, as each only ends with a sentence that says so."""
    most = house.agents["access"].card.per_person.turns
    assert most > 1
    waiting = held_back(house, most + 1)
    if gone:
        object.__setattr__(house, "agents", {})
    let_go(house)
    let_go(house)
    queued = [job.args[0] for job in house.queue.queue.get_jobs() if job.func_name == RUN_TURN]
    assert queued == waiting[: 1 if gone else most]

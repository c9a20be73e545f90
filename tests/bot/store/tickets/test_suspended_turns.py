"""Turns that wait for a person to allow a call: `bot.store.tickets.suspended_turns`."""

from datetime import timedelta

import pytest

from bot.store import backlog
from bot.store.db import Database
from bot.store.figures import day_counts, first_turns, vital_signs
from bot.store.figures.counts import Timed
from bot.store.figures.day_counts import Span
from bot.store.schema import Turn, TurnState, now
from bot.store.tickets import shares, suspended_turns, turns
from bot.store.tickets.turns import Attempt, Fenced
from tests.support.factories import at_once, begin, finish, new_turn, put, rows, running, turn_row

HOUR = timedelta(hours=1)


def suspended(database: Database) -> Attempt:
    """Return the attempt after which a turn was suspended."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        suspended_turns.suspend(session, attempt)
    return attempt


def resumed(database: Database, turn_id: int) -> bool:
    """Let a turn go on."""
    with database.write() as session:
        return suspended_turns.resume(session, turn_id)


def test_nobody_takes_a_suspended_turn_until_it_goes_on(database: Database) -> None:
    """No worker and no sweep; after that the next attempt does, with no failure on its account."""
    attempt = suspended(database)
    assert turn_row(database, attempt.turn_id).suspended
    assert begin(database, attempt.turn_id) is None
    with database.write() as session:
        assert list(turns.to_requeue(session, queued_before=now() + HOUR)) == []
    assert resumed(database, attempt.turn_id)
    with database.write() as session:
        assert list(turns.to_requeue(session, queued_before=now() + HOUR)) == [attempt.turn_id]
    again = running(database, attempt.turn_id)
    assert (again.number, again.failures, again.waits) == (2, 0, 0)
    assert not resumed(database, attempt.turn_id)


def test_an_attempt_that_lost_its_turn_suspends_nothing(database: Database) -> None:
    """A turn that was stopped or taken over meanwhile is left as it is."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        turns.stop(session, attempt.ticket.id)
    with pytest.raises(Fenced), database.write() as session:
        suspended_turns.suspend(session, attempt)
    assert (turn_row(database, attempt.turn_id).state, turn_row(database, attempt.turn_id).suspended) == (
        TurnState.DONE,
        False,
    )
    assert not resumed(database, attempt.turn_id)
    assert not resumed(database, 99)


def test_it_can_be_stopped_and_then_never_goes_on(database: Database) -> None:
    """Its requester takes it back, or a person takes the ticket."""
    attempt = suspended(database)
    with database.write() as session:
        assert turns.is_under_way(session, attempt.ticket.id)
        assert turns.stop(session, attempt.ticket.id) == attempt.turn_id
    assert not resumed(database, attempt.turn_id)
    assert begin(database, attempt.turn_id) is None


def test_its_requester_may_ask_for_something_else_meanwhile(sqlite: Database) -> None:
    """It takes up no place among the turns that one person may have under way."""
    attempt = suspended(sqlite)

    def counted() -> int:
        with sqlite.read() as session:
            return shares.under_way(session, attempt.ticket.team, attempt.ticket.requester)

    assert counted() == 0
    resumed(sqlite, attempt.turn_id)
    assert counted() == 1


def test_the_time_of_people_is_not_the_agents(database: Database) -> None:
    """An hour in which people decide is in no latency and in no patience of the agent, however often it happens."""
    attempt = suspended(database)
    for _ in range(2):
        put(database, Turn, attempt.turn_id, suspended_at=now() - HOUR, created_at=now() - 2 * HOUR)
        assert resumed(database, attempt.turn_id)
        attempt = running(database, attempt.turn_id)
        with database.write() as session:
            suspended_turns.suspend(session, attempt)
    resumed(database, attempt.turn_id)
    attempt = running(database, attempt.turn_id)
    assert abs(attempt.waited - 2 * HOUR) < timedelta(minutes=1)
    assert attempt.working < timedelta(minutes=1)
    finish(database, attempt)
    put(database, Turn, attempt.turn_id, finished_at=now() - timedelta(minutes=1))
    [turn] = rows(database, Turn)
    assert turn.finished_at is not None
    with database.read() as session:
        [first] = first_turns.first(session, "access@1", limit=1)
        days = day_counts.counted(session, [Span(turn.finished_at - HOUR, turn.finished_at + HOUR)])
    assert first.seconds < timedelta(minutes=1).total_seconds()
    [latency] = next(iter(days.values())).times[Timed.LATENCY][""].quantiles(100)
    assert latency is not None
    assert latency < timedelta(minutes=1).total_seconds() * 1000


def test_it_is_no_sign_that_something_is_stuck(sqlite: Database) -> None:
    """It is not in the backlog, and workers that end no turn are not thought to be dead."""
    attempt = suspended(sqlite)
    put(sqlite, Turn, attempt.turn_id, created_at=now() - HOUR)

    def seen() -> tuple[int, bool]:
        with sqlite.read() as session:
            [sign] = [one for one in vital_signs.read(session) if one.sign.name == "turn"]
            return backlog.read(session).waiting.count, sign.silent

    assert seen() == (0, False)
    resumed(sqlite, attempt.turn_id)
    put(sqlite, Turn, attempt.turn_id, queued_at=now() - HOUR)
    assert seen() == (1, True)


def test_of_two_who_let_it_go_on_one_does(postgres: Database) -> None:
    """Its waiting is counted once, and it is begun once."""
    attempt = suspended(postgres)
    put(postgres, Turn, attempt.turn_id, suspended_at=now() - HOUR)
    assert sorted(at_once(2, lambda _who: resumed(postgres, attempt.turn_id))) == [False, True]
    assert abs(turn_row(postgres, attempt.turn_id).waited_seconds - HOUR.total_seconds()) < HOUR.total_seconds() / 60

"""The first turns of a release's tickets: `bot.store.figures.first_turns`."""

from datetime import timedelta

import pytest

from bot.store.db import Database
from bot.store.figures import first_turns
from bot.store.figures.first_turns import FirstTurn
from tests.support.factories import Clock, plans
from tests.support.past_tickets import LOOKED_UP, PAST_BEGINS, UNLOCKED, PastTickets

ONE, TWO = "access@1", "access@2"


@pytest.fixture
def past(database: Database) -> PastTickets:
    """Return tickets that are written down as they are added."""
    return PastTickets(database)


def ids(found: tuple[FirstTurn, ...]) -> list[int]:
    """Return the numbers of the tickets."""
    return [one.ticket_id for one in found]


def test_a_ticket_is_what_its_first_turn_did(database: Database, past: PastTickets) -> None:
    """Its outcome, its tools in order, the calls of the model, the time since the message and the tokens written."""
    past.add(ONE, outcome="handoff", seconds=7.5, tokens=120)
    past.write()
    with database.read() as session:
        [found] = first_turns.first(session, ONE, limit=10)
    assert (found.turn_id, found.ticket_id, found.finished_at) == (1, 1, PAST_BEGINS + timedelta(minutes=1))
    assert (found.outcome, found.tools) == ("handoff", (LOOKED_UP, UNLOCKED))
    assert (found.model_calls, found.seconds, found.output_tokens) == (3, 7.5, 120)


def test_later_turns_and_turns_that_nobody_played_do_not_count(database: Database, past: PastTickets) -> None:
    """Nor do those of another release, or those that were withdrawn: no release played them."""
    kept = past.add(ONE)
    past.add(ONE, of=kept, outcome="handoff")
    past.add(ONE, outcome="handoff", reason="not_released")
    past.add(ONE, outcome="handoff", reason="budget")
    past.add(ONE, outcome="linked", tools=())
    past.add(None, outcome="withdrawn")
    past.add(TWO)
    also = past.add(ONE, outcome="handoff", reason="out_of_policy", tools=())
    past.write()
    with database.read() as session:
        assert ids(first_turns.first(session, ONE, limit=10)) == [kept, also]
        assert first_turns.count_after(session, ONE, None, limit=10) == 2
        assert ids(first_turns.last(session, TWO, limit=10)) == [7]


def test_the_order_is_that_of_the_ends(database: Database, past: PastTickets) -> None:
    """The first ones, the last ones, and how many came after one of them; never more than were asked for."""
    for number in range(1, 9):
        past.add(ONE, finished_at=PAST_BEGINS - timedelta(hours=number))
    past.write()
    with database.read() as session:
        assert ids(first_turns.first(session, ONE, limit=3)) == [8, 7, 6]
        assert ids(first_turns.last(session, ONE, limit=3)) == [3, 2, 1]
        mark = (PAST_BEGINS - timedelta(hours=5), 5)
        assert first_turns.count_after(session, ONE, mark, limit=10) == 4
        assert first_turns.count_after(session, ONE, mark, limit=3) == 3


def test_a_turn_that_ended_a_moment_ago_waits(
    database: Database, past: PastTickets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ended before it may not be committed yet, and would be passed over for good."""
    past.add(ONE)
    past.write()
    clock = Clock(past.at + timedelta(seconds=5)).rule(monkeypatch)
    with database.read() as session:
        assert first_turns.first(session, ONE, limit=1) == ()
        clock.passes(seconds=5)
        assert ids(first_turns.first(session, ONE, limit=1)) == [1]


def test_the_release_before_has_served_enough(database: Database, past: PastTickets) -> None:
    """The newest one before the release that has so many tickets; a newer one is not before it."""
    for day, name in enumerate(("access@old", "access@few", ONE, TWO)):
        past.release(name, at=PAST_BEGINS + timedelta(days=day))
        for _ in range(1 if name == "access@few" else 3):
            past.add(name)
    past.write()
    with database.read() as session:
        assert first_turns.release_before(session, "access", ONE, tickets=3) == "access@old"
        assert first_turns.release_before(session, "access", ONE, tickets=1) == "access@few"
        assert first_turns.release_before(session, "access", "access@old", tickets=1) is None
        assert first_turns.release_before(session, "other", ONE, tickets=1) is None


def test_reads_go_by_an_index(database: Database) -> None:
    """However many turns there are, only those of the release are read, from one end."""
    found = plans(database, lambda session: first_turns.last(session, ONE, limit=10))
    assert any("ix_turns_release" in plan for plan in found.values())

"""The first turns of a release's tickets: `bot.store.figures.first_turns`."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from bot.store.db import Database
from bot.store.figures import first_turns
from bot.store.figures.first_turns import FirstTurn, KnownTurns
from bot.store.schema import Turn
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


def test_what_is_known_is_found_as_if_it_were_read_anew(database: Database, past: PastTickets) -> None:
    """While a release serves, a ticket is committed late, and others are moved back in time."""
    known = KnownTurns()

    def same() -> None:
        with database.read() as session:
            for read in (first_turns.first, first_turns.last):
                assert read(session, ONE, limit=6, known=known) == read(session, ONE, limit=6)

    for number in range(1, 13):
        past.add(ONE, tools=(LOOKED_UP,) * (number % 4), tokens=number, seconds=number)
        past.write()
        same()
    for ends in (PAST_BEGINS, past.at - timedelta(minutes=1, seconds=30)):  # among the first, and among the last
        past.add(ONE, finished_at=ends)
        past.write()
        same()
    with database.write() as session:
        session.execute(update(Turn).where(Turn.id == 3).values(finished_at=PAST_BEGINS + timedelta(seconds=175)))
        session.execute(update(Turn).where(Turn.id == 9).values(finished_at=PAST_BEGINS - timedelta(hours=1)))
    same()


def test_the_steps_of_a_ticket_are_read_once(database: Database, past: PastTickets) -> None:
    """And the first ones are not read again when there are as many as were asked for."""
    known, asked = KnownTurns(), list[list[int]]()

    def note(*told: Any) -> None:
        statement, values = told[2], told[3]
        if "FROM steps" in statement:
            asked.append(sorted(values.values() if isinstance(values, dict) else values))

    event.listen(database.engine, "before_cursor_execute", note)

    def read() -> list[list[int]]:
        asked.clear()
        with database.read() as session:
            first_turns.first(session, ONE, limit=3, known=known)
            first_turns.last(session, ONE, limit=3, known=known)
        return asked

    for _ in range(5):
        past.add(ONE)
    past.write()
    assert read() == [[1, 2, 3], [4, 5]]
    past.add(ONE)
    past.write()
    assert read() == [[6]]


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

"""Tickets of the past for a demo: `bot.store.figures.demo_history`."""

from datetime import timedelta

from bot.store.db import Database
from bot.store.figures import demo_history, figures, first_turns
from bot.store.figures.first_turns import FirstTurn
from bot.store.schema import TurnOutcome
from tests.support.figure_folding import add_up
from tests.support.past_tickets import LOOKED_UP, PAST_BEGINS, UNLOCKED


def test_what_was_written_is_read_as_any_first_turn(database: Database) -> None:
    """In the same order, with all that drift looks at."""
    shapes = (("reply", (LOOKED_UP, UNLOCKED), 3), ("handoff", (), 1), ("reply", (LOOKED_UP, UNLOCKED), 1))
    history = [
        FirstTurn(number, number, PAST_BEGINS + timedelta(seconds=number), outcome, tools, calls, 1.5 * number, number)
        for number, (outcome, tools, calls) in enumerate(shapes, start=1)
    ]
    with database.write() as session:
        demo_history.write(session, history, agent="access", release="access@1", model="stand-in-1", channel="C0HELP")
    with database.read() as session:
        assert list(first_turns.first(session, "access@1", limit=10)) == history


def test_the_dashboard_has_what_was_written_into_days_that_were_added_up(database: Database) -> None:
    """The clock may have been faster than the demo: those days are counted anew."""

    def write_one(number: int) -> None:
        ends = PAST_BEGINS + timedelta(seconds=number)
        one = FirstTurn(number, number, ends, TurnOutcome.REPLY, (), 1, 0.5, 7)
        with database.write() as session:
            demo_history.write(session, [one], agent="access", release="access@1", model="stand-in-1", channel="C0HELP")

    write_one(1)
    assert add_up(database, PAST_BEGINS + timedelta(days=2)) != []
    write_one(2)
    with database.read() as session:
        shown = figures.read(session, figures.last_days(2, at=PAST_BEGINS)).total
    assert (shown.requests, shown.tickets_opened) == (2, 2)

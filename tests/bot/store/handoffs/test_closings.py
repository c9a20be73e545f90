"""Was a request done with before its requester wrote again?: `bot.store.handoffs.closings`."""

import pytest

from bot.store.db import Database
from bot.store.handoffs import closings, handoffs
from bot.store.schema import Turn
from tests.support.factories import finish, handed_off, heard, new_turn, put, rows, running, ticket


def precedes(database: Database, number: int) -> bool:
    """Let the requester write again; return whether their request was done with."""
    attempt = running(database, new_turn(database, heard(number)))
    with database.read() as session:
        return closings.precedes(session, attempt)


def end(database: Database, how: str) -> None:
    """Let people end a handoff."""
    handoff = handed_off(database).id
    with database.write() as session:
        if how == "cancelled":
            handoffs.cancel(session, handoff, by="U0MAYA")
        else:
            handoffs.claim(session, handoff, "U0PRIYA", lease_minutes=30)
            handoffs.resolve(session, handoff, "U0PRIYA", done="Done.", category="factor", agent_could=False)


@pytest.mark.parametrize("how", ["cancelled", "resolved"])
def test_what_people_ended_is_done_with(database: Database, how: str) -> None:
    """A person has resolved it, or its requester needs none."""
    end(database, how)
    assert precedes(database, 2)
    assert closings.is_final(ticket(database))


def test_what_the_agent_answered_for_good_is_done_with(database: Database) -> None:
    """Its turn has a category; whether the ticket is closed is another question."""
    attempt = running(database, new_turn(database))
    finish(database, attempt)
    put(database, Turn, attempt.turn_id, category="locked")
    assert precedes(database, 2)
    assert not closings.is_final(ticket(database))


def test_what_was_only_answered_is_not(database: Database) -> None:
    """The first turn of a ticket, and one behind a question of the agent's."""
    first = running(database, new_turn(database))
    with database.read() as session:
        assert not closings.precedes(session, first)
    finish(database, first)
    assert not precedes(database, 2)


def test_what_was_asked_since_is_not(database: Database) -> None:
    """A request was taken back, another question was answered: thanks are for that."""
    end(database, "cancelled")
    finish(database, running(database, new_turn(database, heard(2))))
    assert not precedes(database, 3)


def test_what_was_given_back_is_not(database: Database) -> None:
    """The agent goes on with it."""
    handoff = handed_off(database).id
    with database.write() as session:
        handoffs.claim(session, handoff, "U0PRIYA", lease_minutes=30)
        handoffs.give_back(session, handoff, "U0PRIYA", note="Go on.")
    attempt = running(database, max(row.id for row in rows(database, Turn)))
    with database.read() as session:
        assert not closings.precedes(session, attempt)

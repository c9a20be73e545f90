"""What the outcome of a turn makes of its ticket: `bot.store.tickets.outcomes`."""

from datetime import timedelta

from bot.store.db import Database
from bot.store.schema import Ticket, now
from bot.store.tickets import outcomes, tickets
from tests.support.factories import new_turn, put, ticket


def resolved_as(database: Database, category: str, *, closed: bool) -> Ticket:
    """Resolve the one ticket, and return it as it is then."""
    with database.write() as session:
        outcomes.resolve(tickets.lock(session, ticket(database).id), category, closed=closed, written_at=now())
    return ticket(database)


def test_a_resolved_ticket_closes_once_it_counts_as_solved(database: Database) -> None:
    """Until then it has its category and is open; a later resolution contradicts the one before."""
    new_turn(database)
    waiting = resolved_as(database, "locked", closed=False)
    assert (waiting.state, waiting.category, waiting.resolved_at) == ("open", "locked", None)
    solved = resolved_as(database, "locked", closed=True)
    assert (solved.state, solved.contradicted_at) == ("resolved", None)
    assert solved.resolved_at is not None
    again = resolved_as(database, "password", closed=True)
    assert again.category == "password"
    assert again.contradicted_at is not None


def test_who_may_not_ask_has_a_closed_ticket(database: Database) -> None:
    """It is refused, unless something else was solved in it before; nothing of theirs is called resolved."""
    new_turn(database)
    with database.write() as session:
        found = tickets.lock(session, ticket(database).id)
        outcomes.bind(found, None)
        outcomes.turn_away(found)
    assert (ticket(database).state, ticket(database).category, ticket(database).resolved_at) == (
        "resolved",
        "refused",
        None,
    )
    resolved_as(database, "locked", closed=True)
    with database.write() as session:
        outcomes.turn_away(tickets.lock(session, ticket(database).id))
    assert ticket(database).category == "locked"


def test_only_what_was_resolved_is_contradicted(database: Database) -> None:
    """A ticket that a person gets for the first time contradicts nothing."""
    new_turn(database)
    for expected in (False, True):
        with database.write() as session:
            outcomes.contradict(tickets.lock(session, ticket(database).id), now())
        assert (ticket(database).contradicted_at is not None) is expected
        resolved_as(database, "locked", closed=True)


def test_the_first_contradiction_of_a_resolution_counts(database: Database) -> None:
    """What is written later does not move it; after another resolution the next one counts."""
    new_turn(database)
    for _ in range(2):
        resolved = resolved_as(database, "locked", closed=True).resolved_at
        assert resolved is not None
        for hours in (1, 30):
            with database.write() as session:
                found = tickets.lock(session, ticket(database).id)
                outcomes.contradict(found, resolved + timedelta(hours=hours))
        assert ticket(database).contradicted_at == resolved + timedelta(hours=1)
        put(database, Ticket, ticket(database).id, contradicted_at=resolved - timedelta(hours=1))

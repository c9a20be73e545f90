"""What of a handoff has been shown: `bot.store.handoffs.shown`."""

from dataclasses import replace

from bot.store.db import Database
from bot.store.handoffs import handoffs, shown
from bot.store.outbox import messages
from bot.store.schema import Handoff, HandoffContext
from bot.store.tickets import ticket_messages
from tests.support.factories import handed_off, rows, store


def context(database: Database) -> HandoffContext:
    """Return what the row of the one handoff holds."""
    [handoff] = rows(database, Handoff)
    return handoff.context


def test_what_is_noted_of_a_handoff_leaves_the_rest(database: Database) -> None:
    """Its notice, the lines below that, and that it is withheld: each is kept beside what was known."""
    before, handoff = handed_off(database).context, rows(database, Handoff)[0].id
    with database.write() as session:
        found = handoffs.read_again(session, handoff)
        shown.noticed(found, "Somebody comes.", ["A line."])
        shown.withhold(found)
    assert context(database) == replace(before, notice="Somebody comes.", footers=("A line.",), withheld=True)
    with database.write() as session:
        shown.noticed(handoffs.read_again(session, handoff), "It is over.")
    assert context(database) == replace(before, notice="It is over.", withheld=True)


def test_the_rows_of_a_transcript_are_found_again(database: Database) -> None:
    """What was heard and what was said, in their order and as they are now; what is gone is left out."""
    handoff = handed_off(database)
    store(database, "a")
    with database.write() as session:
        said = ticket_messages.said(session, handoff.ticket_id)
        shown.transcribed(handoffs.read_again(session, handoff.id), [*said, messages.by_key(session, "a") or said[0]])
    noted = context(database).transcript
    assert [table for table, _ in noted] == ["InboxEvent", "Message"]
    with database.read() as session:
        found = messages.as_said(session, [*noted, ("Message", 999)])
    assert [(type(row).__name__, row.id) for row in found] == list(noted)

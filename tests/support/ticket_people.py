"""What people write in a ticket, and what of it a turn reads."""

from bot.store.db import Database
from bot.store.handoffs import responses
from bot.store.schema import InboxState
from bot.store.tickets import ticket_messages, tickets
from bot.store.tickets.tickets import Attachment
from tests.support import factories
from tests.support.factories import accept, heard

THEIR_FILES = (Attachment("a.png", "https://x.example/a"),)
THEIR_ANSWER, THEIR_DRAFT = heard(21, user="U0PRIYA"), heard(22, user="U0PRIYA", channel="C0QUEUE", text="> Hello")


def read_by_turn(database: Database, turn_id: int) -> set[str]:
    """Return the ids of the messages that an attempt at a turn finds."""
    with database.read() as session:
        return {found.event_id for found in ticket_messages.messages_of(session, turn_id)}


def answered_and_drafted(database: Database) -> None:
    """Hand a ticket off, and let requester and responder write."""
    factories.handed_off(database)
    for number in (2, 3):
        accept(database, heard(number, files=THEIR_FILES))
    with database.write() as session:
        ticket = tickets.lock(session, 1)
        responses.answered(session, ticket, THEIR_ANSWER)
        responses.drafted(session, ticket, THEIR_DRAFT, handoff_id=1, state=InboxState.SENT)

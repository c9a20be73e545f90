"""A sender of messages in single steps, for tests of what is written down and of who says it."""

from collections.abc import Callable
from datetime import timedelta

from bot.store.db import Database, Session
from bot.store.outbox import deliveries, messages
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import Message, Ticket, now
from tests.support.factories import message, new_turn, put, store, ticket

WAYS_TO_GIVE_UP: dict[str, Callable[[Session, Delivery], None]] = {
    "put back": lambda session, delivery: deliveries.put_back(session, delivery, error="busy", after=0),
    "doubt": lambda session, delivery: deliveries.leave_in_doubt(session, delivery, error="lost", after=0),
    "give up": lambda session, delivery: deliveries.give_up(session, delivery, error="no"),
    "withdraw": deliveries.withdraw,
    "readdress": lambda session, delivery: deliveries.readdress(session, delivery, "U0OLIVIA", {"text": "other"}),
}


def owed(database: Database, ticket_id: int | None = None) -> list[str]:
    """Return the keys of what is to be said now."""
    with database.read() as session:
        ids = deliveries.due(session, ticket_id=ticket_id)
        return [session.get_one(Message, message_id).key for message_id in ids]


def try_to_take(database: Database, key: str) -> Delivery | None:
    """Try to take a message."""
    with database.write() as session:
        found = messages.by_key(session, key)
        return None if found is None else deliveries.take(session, found.id)


def taken(database: Database, key: str) -> Delivery:
    """Take a message that is to be said."""
    delivery = try_to_take(database, key)
    assert delivery is not None
    return delivery


def posted(database: Database, key: str, ts: str = "5.5") -> None:
    """Say a message."""
    delivery = taken(database, key)
    with database.write() as session:
        deliveries.posted(session, delivery, ts)


def due(database: Database, *keys: str) -> None:
    """Let the time of messages come: their pause is over, or their sender is given up."""
    for key in keys:
        put(database, Message, message(database, key).id, due_at=now() - timedelta(seconds=1))


def revise(database: Database, key: str, text: str) -> None:
    """Change what a message shows."""
    with database.write() as session:
        messages.revise(session, key, {"text": text})


def assign_ticket(database: Database, assignee: str | None = "U0PRIYA") -> None:
    """Let a person have the ticket."""
    put(database, Ticket, ticket(database).id, assignee=assignee)


def store_reply(database: Database, thread: str | None = None) -> str:
    """Store an agent's reply in a new ticket, and return its key."""
    turn_id = new_turn(database)
    more = {"ticket_id": ticket(database).id, "turn_id": turn_id, "thread_ts": thread}
    store(database, "reply", kind="reply", bot_voice=True, **more)
    return "reply"

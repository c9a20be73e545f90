"""Messages that somebody else has deleted in Slack: `bot.store.outbox.removals`."""

from collections.abc import Callable

import pytest

from bot.store.db import Database, Session
from bot.store.outbox import deliveries, messages, removals
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import Message
from tests.support.delivery_steps import WAYS_TO_GIVE_UP, owed, posted, revise, taken
from tests.support.factories import at_once, message, rows, store


def gone(database: Database, key: str, ts: str = "5.5") -> bool:
    """Let a message be gone from a place in Slack."""
    with database.write() as session:
        return removals.say_again(session, message(database, key).id, ts)


def test_a_message_that_is_gone_is_owed_once(database: Database) -> None:
    """However many hear of it at once; what was below it waits, and goes below the new one."""
    store(database, "card", kind="card", lane="l")
    posted(database, "card")
    store(database, "below", lane="l", thread_of=message(database, "card").id)
    assert at_once(6, lambda _: gone(database, "card")).count(True) == 1
    assert owed(database) == ["card"]
    posted(database, "card", "6.6")
    assert taken(database, "below").thread_ts == "6.6"
    assert not gone(database, "card")  # Slack tells of the old one again
    assert message(database, "card").ts == "6.6"


def test_the_old_place_is_still_known(database: Database) -> None:
    """What is written in the thread of the old one is heard as below it; it is never said or deleted there."""
    store(database, "card", kind="card")
    posted(database, "card")
    assert gone(database, "card")
    with database.read() as session:
        old = messages.by_ts(session, "C0HELP", "5.5")
        assert old is not None
        assert (old.kind, old.state) == ("card", "withdrawn")
    posted(database, "card", "6.6")
    assert gone(database, "card", "6.6")
    posted(database, "card", "7.7")
    assert owed(database) == []
    assert len(rows(database, Message)) == 3


def test_what_we_deleted_ourselves_is_not_said_again(database: Database) -> None:
    """Slack tells of that as of any deletion, before or after we have written down that it is done."""
    store(database, "a")
    posted(database, "a")
    with database.write() as session:
        assert messages.take_back(session, "a")
    assert not gone(database, "a")
    posted(database, "a")
    assert not gone(database, "a")
    assert message(database, "a").state == "withdrawn"


def test_what_stands_elsewhere_is_not_gone(database: Database) -> None:
    """Nor what was never said."""
    store(database, "a")
    assert not gone(database, "a")
    posted(database, "a")
    assert not gone(database, "a", "4.4")
    assert owed(database) == []


ENDS: dict[str, Callable[[Session, Delivery], object]] = {
    **WAYS_TO_GIVE_UP,
    "posted": lambda session, delivery: deliveries.posted(session, delivery, "5.5"),
}


@pytest.mark.parametrize("end", ENDS)
def test_who_was_changing_it_changes_nothing(database: Database, end: str) -> None:
    """A sender had the update in hand when the message went: whatever comes of that, it is said again as it is now."""
    store(database, "a")
    posted(database, "a")
    revise(database, "a", "new")
    delivery = taken(database, "a")
    assert gone(database, "a")
    with database.write() as session:
        ENDS[end](session, delivery)
    found = message(database, "a")
    assert (found.state, found.ts, found.channel, owed(database)[:1]) == ("stored", None, "C0HELP", ["a"])
    again = taken(database, "a")
    assert (again.ts, again.in_doubt, again.body) == (None, False, {"text": "new"})
    with database.read() as session:
        old = messages.by_ts(session, "C0HELP", "5.5")
        assert old is not None
        assert old.key == "gone:a:5.5"  # also while what came of the update is owed to be deleted

"""Thumbs: `bot.store.feedback`."""

from bot.store import feedback
from bot.store.db import Database
from bot.store.schema import Feedback
from tests.bot.store.scenes import at_once, new_turn, rows


def keep(database: Database, turn_id: int, user: str, *, good: bool) -> bool:
    """Keep a thumb; it never fails."""
    with database.write() as session:
        feedback.keep(session, turn_id, user=user, good=good)
    return True


def test_the_last_word_of_each_person_counts(database: Database) -> None:
    """A changed thumb replaces the first one; another person's is their own."""
    turn_id = new_turn(database)
    keep(database, turn_id, "U0MAYA", good=True)
    keep(database, turn_id, "U0PRIYA", good=True)
    keep(database, turn_id, "U0MAYA", good=False)
    assert [(row.user, row.good) for row in rows(database, Feedback)] == [("U0MAYA", False), ("U0PRIYA", True)]


def test_thumbs_at_once_are_one(database: Database) -> None:
    """Twelve clicks together are one row, and none of them fails."""
    turn_id = new_turn(database)
    assert all(at_once(12, lambda number: keep(database, turn_id, "U0MAYA", good=number % 2 == 0)))
    assert len(rows(database, Feedback)) == 1


def test_what_was_wrong_is_a_thumb_down(database: Database) -> None:
    """Its words stay with the row, whatever the thumb becomes, until there are others."""
    turn_id = new_turn(database)
    keep(database, turn_id, "U0MAYA", good=True)
    for words in ("No link came", "It came late"):
        with database.write() as session:
            feedback.tell(session, turn_id, user="U0MAYA", words=words)
    assert [(row.good, row.words) for row in rows(database, Feedback)] == [(False, "It came late")]
    keep(database, turn_id, "U0MAYA", good=True)
    assert [(row.good, row.words) for row in rows(database, Feedback)] == [(True, "It came late")]

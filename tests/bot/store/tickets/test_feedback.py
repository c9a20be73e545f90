"""Thumbs: `bot.store.tickets.feedback`."""

from datetime import timedelta

from bot.store.db import Database
from bot.store.schema import Feedback, FigureDay, Ticket, now
from bot.store.tickets import feedback
from bot.store.tickets.feedback import Thumbs
from tests.support.factories import at_once, heard, new_turn, put, rows, store


def keep(database: Database, turn_id: int, user: str, *, good: bool) -> bool:
    """Keep a thumb; it never fails."""
    with database.write() as session:
        feedback.store_thumb(session, turn_id, user=user, good=good)
    return True


def test_the_last_word_of_each_person_counts(database: Database) -> None:
    """A changed thumb replaces the first one; another person's is their own."""
    turn_id = new_turn(database)
    keep(database, turn_id, "U0MAYA", good=True)
    keep(database, turn_id, "U0PRIYA", good=True)
    keep(database, turn_id, "U0MAYA", good=False)
    assert [(row.user, row.good) for row in rows(database, Feedback)] == [("U0MAYA", False), ("U0PRIYA", True)]


def test_thumbs_at_once_are_one(database: Database) -> None:
    """Twelve clicks together are one row, and none of them fails; each change has its day counted anew."""
    turn_id = new_turn(database)
    assert all(at_once(12, lambda number: keep(database, turn_id, "U0MAYA", good=number % 2 == 0)))
    assert len(rows(database, Feedback)) == 1
    assert sum(row.version for row in rows(database, FigureDay)) == 11


def test_what_was_wrong_is_a_thumb_down(database: Database) -> None:
    """Its words stay with the row, whatever the thumb becomes, until there are others."""
    turn_id = new_turn(database)
    keep(database, turn_id, "U0MAYA", good=True)
    for words in ("No link came", "It came late"):
        with database.write() as session:
            feedback.store_words(session, turn_id, user="U0MAYA", words=words)
    assert [(row.good, row.words) for row in rows(database, Feedback)] == [(False, "It came late")]
    keep(database, turn_id, "U0MAYA", good=True)
    assert [(row.good, row.words) for row in rows(database, Feedback)] == [(True, "It came late")]


def told(database: Database, agent: str | None = None) -> Thumbs:
    """Return what was thought in the last minute."""
    with database.read() as session:
        return feedback.thumbs(session, now() - timedelta(minutes=1), now() + timedelta(seconds=1), agent=agent)


def test_the_worst_answers_are_told_with_their_place(database: Database) -> None:
    """Those with words first, then the newest; one that was said in private without its words and place."""
    assert told(database) == Thumbs()
    turns = [new_turn(database), *(new_turn(database, heard(number, thread_ts=None)) for number in (2, 3, 4))]
    for ticket_id, turn_id in enumerate(turns, 1):
        about = {"kind": "reply", "ticket_id": ticket_id, "turn_id": turn_id, "channel": "C0HELP"}
        store(database, f"reply:turn:{turn_id}", ts=f"9.{turn_id}", **about)
        keep(database, turn_id, "U0MAYA", good=ticket_id == 1)
    with database.write() as session:
        feedback.store_words(session, turns[1], user="U0MAYA", words="No link came")
    put(database, Ticket, 4, private=True)
    found = told(database, "access")
    assert (found.helpful, found.judged) == (1, 4)
    assert [(one.ticket_id, one.said, one.ts) for one in found.worst] == [
        (2, "No link came", f"9.{turns[1]}"),
        (4, None, None),
        (3, None, f"9.{turns[2]}"),
    ]
    assert [one.asked is None for one in found.worst] == [False, True, False]
    assert told(database, "another") == Thumbs()

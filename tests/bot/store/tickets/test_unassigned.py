"""Direct messages that are no agent's yet: `bot.store.tickets.unassigned`."""

from dataclasses import replace

from bot.store.db import Database
from bot.store.schema import InboxEvent, Ticket
from bot.store.tickets import shares, tickets, unassigned
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.tickets import Attachment, Heard
from tests.support.factories import rows

FIRST = Heard(
    "Ev1",
    "T1",
    "D0MAYA",
    "1.000000",
    None,
    "U0MAYA",
    "I need",
    (Attachment("a.png", "https://files.example/1"),),
    private=True,
    quoted=(Quoted("Ivan", "forwarded", "ask them"),),
)
SECOND = replace(FIRST, event_id="Ev2", ts="2.000000", thread_ts="1.000000", text="a licence", files=(), quoted=())


def test_what_is_kept_is_taken_whole_once(database: Database) -> None:
    """With its thread, files and what was passed on, in the order it was said; a second taker finds nothing."""
    with database.write() as session:
        assert [unassigned.keep(session, one) for one in (FIRST, SECOND, FIRST)] == [True, True, False]
        unassigned.keep(session, replace(FIRST, event_id="Ev3", ts="3.0", channel="D0LENA", user="U0LENA"))
    with database.write() as session:
        assert unassigned.take(session, "D0MAYA", "U0MAYA") == (FIRST, SECOND)
        assert unassigned.take(session, "D0MAYA", "U0MAYA") == ()
    assert [row.user for row in rows(database, InboxEvent)] == ["U0LENA"]


def test_what_is_taken_is_heard_like_any_other_message(database: Database) -> None:
    """Under its own id and at its own place, in the transaction that took it."""
    with database.write() as session:
        unassigned.keep(session, FIRST)
    with database.write() as session:
        [heard] = unassigned.take(session, "D0MAYA", "U0MAYA")
        accepted = tickets.accept(session, heard, agent="software")
        assert accepted is not None
        assert tickets.accept(session, heard, agent="software") is None
    [ticket], [event] = rows(database, Ticket), rows(database, InboxEvent)
    assert (ticket.agent, ticket.thread_ts, event.kind, event.text) == ("software", "1.000000", "message", "I need")


def test_it_counts_as_nothing_that_was_asked(database: Database) -> None:
    """While no agent has it, it is in no share of anybody, and has no ticket."""
    bounds = shares.ShareBounds(turns=1, tickets_an_hour=1, tickets_a_day=1, messages_an_hour=1)
    with database.write() as session:
        unassigned.keep(session, FIRST)
        assert shares.excess(session, "T1", "U0MAYA", bounds, opens=True) is None
    assert rows(database, Ticket) == []


def test_it_follows_its_author(database: Database) -> None:
    """An edit is what it says then, with what comes with it; of a deleted one nothing is kept."""
    with database.write() as session:
        unassigned.keep(session, FIRST)
    with database.write() as session:
        [kept] = unassigned.of(session, "D0MAYA", "U0MAYA")
        unassigned.follow(session, kept, "I need Figma", None)
    with database.read() as session:
        [kept] = unassigned.of(session, "D0MAYA", "U0MAYA")
        assert kept.text == "I need Figma"
        assert len(kept.detail["quoted"]) == 1
    with database.write() as session:
        [kept] = unassigned.of(session, "D0MAYA", "U0MAYA")
        unassigned.follow(session, kept, "I need Miro", ())
        assert unassigned.of(session, "D0MAYA", "U0MAYA")[0].detail == {}
        unassigned.follow(session, kept, None, None)
    assert rows(database, InboxEvent) == []

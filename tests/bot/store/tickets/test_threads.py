"""Which ticket a message belongs to: `bot.store.tickets.threads`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from bot.store.db import Database
from bot.store.schema import InboxEvent, Ticket
from bot.store.tickets import shares, threads, tickets
from bot.store.tickets.tickets import Heard
from tests.support import factories
from tests.support.factories import FIRST, accept, new_turn, rows

LINE = replace(FIRST, channel="D0MAYA", private=True)


def line(number: int, user: str = "U0MAYA") -> Heard:
    """Return a line at the top level of somebody's direct conversation."""
    ts = f"17000{number:05d}.000001"
    return replace(LINE, event_id=f"Ev:{user}:{number}", ts=ts, channel=f"D:{user}", user=user, text=f"{number}")


def hear(database: Database, said: Heard) -> tickets.Accepted | None:
    """Do with a line what its listener does."""
    with database.write() as session:
        shares.lock(session, said.team, said.user)
        found = threads.direct(session, said.channel, said.user)
        return tickets.accept(session, said, agent="access", joins=None if found is None else found.id)


def test_the_team_of_an_event_opens_no_second_ticket(database: Database) -> None:
    """In a shared channel a thread is one ticket, under whichever team its messages come."""
    new_turn(database)
    second = replace(FIRST, event_id="Ev2", ts="1700000002.000001", thread_ts=FIRST.ts, team="T2")
    accepted = accept(database, second)
    assert accepted is not None
    assert (accepted.ticket_id, len(rows(database, Ticket))) == (1, 1)
    other = accept(database, replace(second, event_id="Ev3", ts="1700000003.000001", user="U0IVAN"))
    assert other is not None
    assert other.bystander


def test_of_two_tickets_of_one_thread_the_first_counts(database: Database) -> None:
    """A release before this one may have left them."""
    for team in ("T1", "T2"):
        with database.write() as session:
            session.add(
                Ticket(team=team, channel="C", thread_ts="1.1", private=False, requester="U", agent="a", state="open")
            )
    with database.read() as session:
        found = threads.ticket_at(session, "C", "1.1")
    assert found is not None
    assert found.team == "T1"


def test_a_thread_below_a_line_or_a_word_of_ours_is_its_ticket(database: Database) -> None:
    """In the same channel; what is said of a ticket elsewhere makes no thread of it there."""
    hear(database, line(1))
    hear(database, line(2))
    factories.store(database, "reply", channel="D:U0MAYA", ts="1700009999.000001", state="posted", ticket_id=1)
    factories.store(database, "card", channel="C0QUEUE", ts="1700009999.000002", state="posted", ticket_id=1)
    with database.read() as session:
        for ts in (line(1).ts, line(2).ts, "1700009999.000001"):
            found = threads.ticket_at(session, "D:U0MAYA", ts)
            assert (ts, found and found.id) == (ts, 1)
        assert threads.ticket_at(session, "C0QUEUE", "1700009999.000002") is None
        assert threads.ticket_at(session, "D:U0MAYA", "1.1") is None


def test_lines_that_come_at_once_are_one_conversation(postgres: Database) -> None:
    """Four processes hear four lines of a person in the same moment, for thirty people: each has one ticket."""
    gate = Barrier(4)

    def race(number: int, user: str) -> tickets.Accepted | None:
        gate.wait(timeout=300)
        return hear(postgres, line(number, user))

    people = [f"U0P{number}" for number in range(30)]
    with ThreadPoolExecutor(4) as pool:
        for user in people:
            told = list(pool.map(race, range(4), [user] * 4))
            assert None not in told
    assert sorted(ticket.requester for ticket in rows(postgres, Ticket)) == sorted(people)
    assert len(rows(postgres, InboxEvent)) == 4 * len(people)

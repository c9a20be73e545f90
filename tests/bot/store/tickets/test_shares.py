"""What one person may have of the desk, counted on both databases: `bot.store.tickets.shares`."""

from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import update

from bot.store.db import Database
from bot.store.schema import InboxEvent, Ticket, Turn, now
from bot.store.tickets import shares, threads, tickets, turns
from bot.store.tickets.shares import Excess, ShareBounds
from bot.store.tickets.tickets import Heard
from tests.support.factories import FIRST, at_once, begin, finish, heard, rows, running
from tests.support.live_server import PATIENCE

BOUNDS = ShareBounds(turns=3, tickets_an_hour=4, tickets_a_day=6, messages_an_hour=10)


def new(number: int, **changes: Any) -> Heard:
    """Return a message that would open a ticket of its own."""
    return replace(heard(number), thread_ts=None, **changes)


def hear(database: Database, message: Heard, bounds: ShareBounds = BOUNDS) -> Excess | tickets.Accepted | None:
    """Do with a message what its listener does."""
    with database.write() as session:
        shares.lock(session, message.team, message.user)
        opens = threads.ticket_at(session, message.channel, message.thread_ts or message.ts) is None
        excess = shares.excess(session, message.team, message.user, bounds, opens=opens)
        return excess or tickets.accept(session, message, agent="access", at_once=bounds.turns)


def let_go(database: Database, user: str = FIRST.user) -> list[int]:
    """Let held-back turns of somebody go."""
    with database.write() as session:
        return list(shares.queue_next(session, FIRST.team, user, turns=BOUNDS.turns))


def earlier(database: Database, table: type[Ticket] | type[InboxEvent], hours: float) -> None:
    """Let what there is have come about so many hours ago."""
    then = now() - timedelta(hours=hours)
    values = {"created_at": then} if table is Ticket else {"received_at": then}
    with database.write() as session:
        session.execute(update(table).values(values))


def test_of_twenty_processes_at_once_four_open_a_ticket_and_three_a_turn(database: Database) -> None:
    """A person who writes in twenty threads at the same moment gets their share, exactly, and nothing else is kept."""
    told = at_once(20, lambda number: hear(database, new(100 + number)))
    assert sorted(map(str, (one for one in told if isinstance(one, Excess)))) == [Excess.TICKETS_AN_HOUR] * 16
    assert len(rows(database, Ticket)) == len(rows(database, InboxEvent)) == len(rows(database, Turn)) == 4
    assert sorted(turn.held_back for turn in rows(database, Turn)) == [False, False, False, True]


def test_of_twenty_processes_at_once_ten_messages_are_kept(database: Database) -> None:
    """In one thread as in many: rows of one person do not grow without limit."""
    told = at_once(20, lambda number: hear(database, heard(100 + number)))
    assert [one for one in told if isinstance(one, Excess)] == [Excess.MESSAGES] * 10
    assert len(rows(database, InboxEvent)) == 10


def test_others_are_not_counted(database: Database) -> None:
    """Another person, and the same id in another workspace, have shares of their own."""
    for number in range(4):
        hear(database, new(100 + number))
    assert hear(database, new(200)) is Excess.TICKETS_AN_HOUR
    for other in (new(300, user="U0TOMAS"), new(301, team="T2")):
        accepted = hear(database, other)
        assert isinstance(accepted, tickets.Accepted)
        assert accepted.turn_id is not None


def test_a_message_in_a_ticket_joins_it_when_no_other_can_be_opened(database: Database) -> None:
    """Who has opened all they may still talks in each of them."""
    for number in range(4):
        hear(database, new(100 + number))
    joined = hear(database, heard(200, thread_ts=new(100).ts))
    assert isinstance(joined, tickets.Accepted)
    assert not joined.held_back


@pytest.mark.parametrize(("hours", "opened"), [(0.9, 0), (1.1, 2), (25.0, 4)])
def test_the_bounds_are_of_an_hour_and_of_a_day(database: Database, hours: float, opened: int) -> None:
    """An hour later there are more, within the day as many as a day allows."""
    for number in range(4):
        hear(database, new(100 + number))
    earlier(database, Ticket, hours)
    told = [hear(database, new(200 + number)) for number in range(6)]
    assert sum(isinstance(one, tickets.Accepted) for one in told) == opened
    assert told[-1] is (Excess.TICKETS_A_DAY if hours == 1.1 else Excess.TICKETS_AN_HOUR)


def test_an_hour_later_messages_are_kept_again(database: Database) -> None:
    """The window slides."""
    told = [hear(database, heard(100 + number)) for number in range(11)]
    assert told[-1] is Excess.MESSAGES
    earlier(database, InboxEvent, 1.1)
    assert isinstance(hear(database, heard(200)), tickets.Accepted)


def test_a_held_back_turn_is_in_no_queue_and_nobody_begins_it(database: Database) -> None:
    """Neither a worker nor the clock takes it, and what is written to it meanwhile joins it."""
    told = [hear(database, new(100 + number)) for number in range(4)]
    assert [one.turn_id is None for one in told if isinstance(one, tickets.Accepted)] == [False] * 3 + [True]
    late = rows(database, Turn)[-1]
    assert begin(database, late.id) is None
    with database.write() as session:
        assert late.id not in turns.to_requeue(session, queued_before=now() + timedelta(hours=1))
    joined = hear(database, heard(200, thread_ts=new(103).ts))
    assert isinstance(joined, tickets.Accepted)
    assert (joined.turn_id, joined.held_back) == (None, True)
    assert let_go(database) == []


def test_as_one_turn_ends_the_oldest_that_waits_goes(database: Database) -> None:
    """One by one, in the order in which they were asked for, whatever way the one before ended."""
    bounds = replace(BOUNDS, tickets_an_hour=6)
    for number in range(6):
        hear(database, new(100 + number), bounds)
    first, second, *_, fourth, fifth, _sixth = (turn.id for turn in rows(database, Turn))
    finish(database, running(database, first))
    assert let_go(database) == [fourth]
    assert let_go(database) == []
    with database.write() as session:
        ticket = session.get_one(Turn, second).ticket_id
        assert turns.stop(session, ticket) == second
    with database.read() as session:
        assert [(one.team, one.user) for one in shares.held_back(session)] == [(FIRST.team, FIRST.user)]
    assert let_go(database) == [fifth]
    assert running(database, fifth)


def test_of_many_that_let_go_at_once_each_turn_goes_once(database: Database) -> None:
    """Workers and clocks that look at the same moment let no more go than there is room for."""
    bounds = replace(BOUNDS, tickets_an_hour=9)
    for number in range(9):
        hear(database, new(100 + number), bounds)
    for turn in rows(database, Turn)[:2]:
        finish(database, running(database, turn.id))
    going = [turn for gone in at_once(8, lambda _: let_go(database)) for turn in gone]
    assert sorted(going) == [turn.id for turn in rows(database, Turn)[3:5]]


def test_without_the_lock_the_bounds_are_passed(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process counts what the others have committed, which is not what they are about to."""
    counted, everybody = shares.excess, Barrier(BOUNDS.tickets_an_hour + 1)

    def excess(*asked: Any, **more: Any) -> Excess | None:
        found = counted(*asked, **more)
        everybody.wait(PATIENCE)
        return found

    monkeypatch.setattr(shares, "lock", lambda *_: None)
    monkeypatch.setattr(shares, "excess", excess)
    at_once(everybody.parties, lambda number: hear(postgres, new(number, user="U0MANY")))
    assert len(rows(postgres, Ticket)) == everybody.parties

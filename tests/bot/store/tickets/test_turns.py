"""A turn from its lease to its one outcome: `bot.store.tickets.turns`."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.store.db import Database, Session
from bot.store.schema import Turn, TurnOutcome, now
from bot.store.tickets import ticket_messages, tickets, turns, waiting_messages
from bot.store.tickets.turns import Attempt, Fenced
from tests.support import factories
from tests.support.factories import accept, at_once, begin, event, finish, heard, new_turn, rows, running, turn_row

WRITES: tuple[Callable[[Session, Attempt], object], ...] = (
    turns.hold,
    lambda session, attempt: turns.finish(
        session, attempt, outcome=TurnOutcome.REPLY, reason=None, category="locked", release="access@1"
    ),
)


def one(database: Database) -> Turn:
    """Return the one turn there is."""
    [turn] = rows(database, Turn)
    return turn


def owed(database: Database, *, waiting_for: float) -> list[int]:
    """Return the turns that a crash left, when a job takes so many seconds at most."""
    with database.write() as session:
        return list(turns.to_requeue(session, queued_before=now() - timedelta(seconds=waiting_for)))


def test_of_twenty_workers_one_begins_a_turn(database: Database) -> None:
    """Exactly one gets the attempt, and its name is on the lease."""
    turn_id = new_turn(database)
    tried = at_once(20, lambda number: begin(database, turn_id, worker=f"w{number}"))
    [attempt] = [attempt for attempt in tried if attempt is not None]
    turn = one(database)
    assert (turn.state, turn.attempt, turn.lease_owner) == ("running", 1, attempt.worker)
    assert attempt.ticket.requester == "U0MAYA"


def test_of_twenty_workers_one_takes_over_an_expired_turn(database: Database) -> None:
    """A lease that has ended is taken over once, under the next number."""
    turn_id = new_turn(database)
    running(database, turn_id, worker="dead")
    factories.expire(database, turn_id)
    tried = at_once(20, lambda number: begin(database, turn_id, worker=f"w{number}"))
    [attempt] = [attempt for attempt in tried if attempt is not None]
    assert (attempt.number, one(database).lease_owner) == (2, attempt.worker)


def test_a_turn_whose_lease_runs_or_that_is_done_is_not_begun(database: Database) -> None:
    """Only a waiting turn, or one whose worker was given up, is free; an unknown one is not."""
    turn_id = new_turn(database)
    attempt = running(database, turn_id)
    assert begin(database, turn_id) is None
    finish(database, attempt)
    factories.expire(database, turn_id)
    assert begin(database, turn_id) is None
    assert begin(database, 4711) is None


def test_a_renewed_lease_keeps_others_away(database: Database) -> None:
    """A sign of life moves the end of the lease."""
    turn_id = new_turn(database)
    attempt = running(database, turn_id)
    factories.expire(database, turn_id)
    with database.write() as session:
        assert turns.renew(session, [attempt], lease=60) == {(turn_id, 1)}
    assert begin(database, turn_id) is None


def test_one_beat_renews_what_is_still_held_and_nothing_else(database: Database) -> None:
    """Of many at once: an attempt whose turn was taken over is left out, and its turn keeps its new end."""
    held, lost = (running(database, new_turn(database, heard(number, thread_ts=None))) for number in (1, 2))
    factories.expire(database, lost.turn_id)
    again = running(database, lost.turn_id, worker="w2")
    ends = turn_row(database, lost.turn_id).lease_until
    with database.write() as session:
        assert turns.renew(session, [held, lost], lease=600) == {(held.turn_id, 1)}
        assert turns.renew(session, [], lease=600) == set()
    assert turn_row(database, lost.turn_id).lease_until == ends
    with database.write() as session:
        assert turns.renew(session, [lost, again], lease=600) == {(lost.turn_id, 2)}


@pytest.mark.parametrize("end", ["taken over", "stopped", "done", "put back"])
def test_a_zombie_writes_nothing(database: Database, end: str) -> None:
    """An attempt that lost its turn, however, is fenced at whatever it writes next and changes nothing."""
    turn_id = new_turn(database)
    zombie = running(database, turn_id)
    if end == "taken over":
        factories.expire(database, turn_id)
        running(database, turn_id, worker="w2")
    elif end == "stopped":
        with database.write() as session:
            turns.stop(session, zombie.ticket.id)
    elif end == "done":
        finish(database, zombie)
    else:
        with database.write() as session:
            turns.put_back(session, zombie, after=0)
    accept(database, heard(2))
    before = columns(turn_row(database, turn_id))
    for write in WRITES:
        with pytest.raises(Fenced), database.write() as session:
            write(session, zombie)
        assert columns(turn_row(database, turn_id)) == before


def columns(turn: Turn) -> dict[str, object]:
    """Return a row's values."""
    return {column.key: getattr(turn, column.key) for column in Turn.__table__.columns}


def test_a_zombie_does_not_put_back_what_another_has(database: Database) -> None:
    """Giving up late leaves the attempt that took over alone."""
    turn_id = new_turn(database)
    zombie = running(database, turn_id)
    factories.expire(database, turn_id)
    running(database, turn_id, worker="w2")
    with database.write() as session:
        turns.put_back(session, zombie, after=0)
    assert (one(database).state, one(database).lease_owner) == ("running", "w2")


def test_a_turn_that_is_put_back_is_free_at_once(database: Database) -> None:
    """A passing failure gives the turn back, and counts as an attempt."""
    turn_id = new_turn(database)
    attempt = running(database, turn_id)
    with database.write() as session:
        turns.put_back(session, attempt, after=0)
    assert running(database, turn_id, worker="w2").number == 2


def test_a_turn_that_is_put_back_is_owed_after_its_pause(database: Database) -> None:
    """Upkeep leaves it alone for as long as the other side asked us to wait."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        turns.put_back(session, attempt, after=60)
    assert owed(database, waiting_for=-30) == []
    assert owed(database, waiting_for=-90) == [attempt.turn_id]


def test_only_workers_that_died_count_as_failures(database: Database) -> None:
    """A passing failure that was put back is an attempt like any other; an expired lease is a death."""
    turn_id = new_turn(database)
    attempt = running(database, turn_id)
    with database.write() as session:
        turns.put_back(session, attempt, after=0)
    assert running(database, turn_id).failures == 0
    factories.expire(database, turn_id)
    assert running(database, turn_id).failures == 1


def test_a_turn_ends_once_with_its_outcome(database: Database) -> None:
    """The row keeps outcome, release and moment."""
    finish(database, running(database, new_turn(database)))
    turn = one(database)
    assert (turn.state, turn.outcome, turn.release, turn.finished_at is None) == ("done", "reply", "access@1", False)


@pytest.mark.parametrize("outcome", [TurnOutcome.HANDOFF, TurnOutcome.WITHDRAWN])
def test_messages_behind_a_turn_without_a_reply_are_a_persons(database: Database, outcome: TurnOutcome) -> None:
    """No turn follows; what was parked is turned over to people, once."""
    attempt = running(database, new_turn(database))
    for number in (2, 3):
        accept(database, heard(number))
    assert finish(database, attempt, outcome) is None
    with database.write() as session:
        given = waiting_messages.parked_for_people(session, attempt.ticket.id)
        assert [(found.event_id, found.state) for found in given] == [("Ev2", "relayed"), ("Ev3", "relayed")]
        assert waiting_messages.parked_for_people(session, attempt.ticket.id) == []
    assert len(rows(database, Turn)) == 1


@pytest.mark.parametrize("outcome", [TurnOutcome.REPLY, TurnOutcome.REFUSED])
def test_messages_behind_an_answer_are_the_next_turns(database: Database, outcome: TurnOutcome) -> None:
    """Behind a refusal as behind a reply: its requester may have become a member meanwhile."""
    attempt = running(database, new_turn(database))
    for number in (2, 3):
        accept(database, heard(number))
    following = finish(database, attempt, outcome)
    assert following is not None
    assert {event(database, f"Ev{number}").turn_id for number in (2, 3)} == {following}


def test_a_stopped_turn_ends_with_what_was_parked_behind_it(database: Database) -> None:
    """Nothing waits for a turn that never comes: whoever has the ticket next reads all of it."""
    attempt = running(database, new_turn(database))
    accept(database, heard(2))
    with database.write() as session:
        assert turns.stop(session, attempt.ticket.id) == attempt.turn_id
        assert turns.stop(session, attempt.ticket.id) is None
    assert (one(database).state, one(database).outcome) == ("done", "withdrawn")
    assert (event(database, "Ev2").state, event(database, "Ev2").turn_id) == ("accepted", attempt.turn_id)
    with database.read() as session:
        assert len(ticket_messages.said(session, attempt.ticket.id)) == 2
    following = running(database, new_turn(database, heard(3)))
    assert finish(database, following) is None


def test_a_turn_is_in_hand_while_its_worker_lives(database: Database) -> None:
    """Neither while it waits nor when its lease is over, and not when it has ended."""

    def in_hand() -> bool:
        with database.read() as session:
            return turns.is_played(session, factories.ticket(database).id)

    turn_id = new_turn(database)
    assert not in_hand()
    attempt = running(database, turn_id)
    assert in_hand()
    factories.expire(database, turn_id)
    assert not in_hand()
    finish(database, attempt)
    assert not in_hand()


def test_a_turn_was_stopped_in_the_attempt_that_played_it(database: Database) -> None:
    """An attempt that was given up before does not say so, too; nor is another end a stop."""
    given_up = running(database, new_turn(database))
    factories.expire(database, given_up.turn_id)
    attempt = running(database, given_up.turn_id)

    def told() -> list[bool]:
        with database.read() as session:
            return [turns.was_stopped(session, one) for one in (given_up, attempt)]

    assert told() == [False, False]
    with database.write() as session:
        turns.stop(session, attempt.ticket.id)
    assert told() == [False, True]


def test_only_attempts_without_room_count_as_waits(database: Database) -> None:
    """A Slack that is away is no full budget."""
    turn_id = new_turn(database)
    for no_room, waits in ((False, 0), (True, 0), (False, 1), (True, 1)):
        attempt = running(database, turn_id)
        assert attempt.waits == waits
        with database.write() as session:
            turns.put_back(session, attempt, after=0.0, no_room=no_room)
    assert one(database).waits == 2


def test_a_ticket_has_one_turn_that_is_not_done(database: Database) -> None:
    """The table itself refuses a second one."""
    turn_id = new_turn(database)
    ticket_id = factories.ticket(database).id
    with pytest.raises(IntegrityError), database.write() as session:
        tickets.open_turn(session, ticket_id)
    finish(database, running(database, turn_id))
    with database.write() as session:
        tickets.open_turn(session, ticket_id)


def test_a_turn_is_owed_when_it_has_waited_or_its_worker_has_died(database: Database) -> None:
    """Owed: waiting for longer than the queue explains, or past its lease; not what has just been queued."""
    turn_id = new_turn(database)
    assert owed(database, waiting_for=60) == []
    assert owed(database, waiting_for=-1) == [turn_id]
    attempt = running(database, turn_id)
    assert owed(database, waiting_for=-1) == []
    factories.expire(database, turn_id)
    assert owed(database, waiting_for=60) == [turn_id], "its job was begun, so it is in no queue"
    with database.write() as session:
        turns.mark_queued(session, [turn_id])
    assert owed(database, waiting_for=60) == [], "however long nobody comes to begin it"
    assert owed(database, waiting_for=-1) == [turn_id], "unless that job is lost too"
    finish(database, attempt)
    factories.put(database, Turn, turn_id, queued_at=None)
    assert owed(database, waiting_for=-1) == []


def test_a_turn_is_owed_to_one_sweep(postgres: Database) -> None:
    """Two sweeps at once share the turns out; neither waits, none is taken twice."""
    turn_id, later = new_turn(postgres), now() + timedelta(seconds=1)
    with postgres.write() as first, postgres.write() as second:
        assert turns.to_requeue(first, queued_before=later) == [turn_id]
        assert turns.to_requeue(second, queued_before=later) == []

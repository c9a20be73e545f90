"""What a process has in hand: `jobs.leases`."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from bot import durations
from bot.store.db import Database, Session
from bot.store.outbox import deliveries
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import Message, now
from bot.store.tickets import turns
from bot.store.tickets.turns import Fenced
from jobs.leases import Leases
from tests.support import factories
from tests.support.factories import begin, heard, message, new_turn, put, running, store, turn_row

LEASE = 60.0


def until(holds: Callable[[], bool]) -> None:
    """Wait for a beat, however late a busy machine makes it."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_beat_keeps_all_that_is_in_hand(database: Database) -> None:
    """Turns and messages alike, and not once they were let go."""
    leases = Leases(database, lease=LEASE)
    attempts = [running(database, new_turn(database, heard(number, thread_ts=None))) for number in (1, 2)]
    store(database, "a")
    with database.write() as session:
        delivery = deliveries.take(session, message(database, "a").id)
    assert delivery is not None
    with leases.turn(attempts[0]), leases.sending(delivery):
        with leases.turn(attempts[1]):
            pass
        for attempt in attempts:
            factories.expire(database, attempt.turn_id)
        put(database, Message, delivery.id, due_at=now() - timedelta(seconds=1))
        leases.renew()
        assert begin(database, attempts[0].turn_id) is None
        assert message(database, "a").due_at > now()
        assert begin(database, attempts[1].turn_id) is not None


def test_the_beat_goes_on_by_itself(database: Database) -> None:
    """For as long as something is in hand, several times in a lease."""
    leases = Leases(database, lease=0.2)
    attempt = running(database, new_turn(database))
    with leases.turn(attempt):
        for _ in range(2):
            factories.expire(database, attempt.turn_id)
            until(lambda: (turn_row(database, attempt.turn_id).lease_until or now()) > now() - timedelta(seconds=1))


def test_an_attempt_learns_that_its_turn_was_taken(database: Database) -> None:
    """By the next beat, without writing anything itself; and so does one whose requester has stopped it."""
    leases = Leases(database, lease=LEASE)
    taken, stopped, kept = (running(database, new_turn(database, heard(n, thread_ts=None))) for n in (1, 2, 3))
    with leases.turn(taken) as first, leases.turn(stopped) as second, leases.turn(kept) as third:
        factories.expire(database, taken.turn_id)
        running(database, taken.turn_id, worker="w2")
        with database.write() as session:
            turns.stop(session, stopped.ticket.id)
        leases.renew()
        for lease in (first, second):
            with pytest.raises(Fenced):
                lease.check()
        third.check()


def test_a_sender_has_its_message_for_as_long_as_it_beats(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no longer: by its own clock, from before it took it."""
    clock = [1000.0]
    told = SimpleNamespace(monotonic=lambda: clock[0])
    for room in (
        "jobs.leases",
        "bot.store.outbox.deliveries",
    ):  # not everywhere: a server in this process would sleep for hours
        monkeypatch.setattr(f"{room}.time", told)
    leases = Leases(database, lease=LEASE)
    monkeypatch.setattr(leases, "_beat", lambda: None)
    store(database, "a")
    with database.write() as session:
        delivery = deliveries.take(session, message(database, "a").id)
    assert delivery is not None
    clock[0] += 1
    with leases.sending(delivery) as is_ours:
        clock[0] += durations.SENDING_LEASE - 1.5
        assert is_ours()
        leases.renew()
        clock[0] += durations.SENDING_LEASE - 0.5
        assert is_ours()
        clock[0] += 1
        assert not is_ours()


def test_a_thread_that_could_not_start_costs_no_later_beat(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that gives no thread now may give one for the next turn; nothing is kept of the one that failed."""
    leases = Leases(database, lease=0.2)
    first, second = (running(database, new_turn(database, heard(n, thread_ts=None))) for n in (1, 2))

    def refuses(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", refuses)
        with pytest.raises(RuntimeError), leases.turn(first):
            pass
    with leases.turn(second):
        for attempt in (first, second):
            factories.expire(database, attempt.turn_id)
        until(lambda: (turn_row(database, second.turn_id).lease_until or now()) > now() - timedelta(seconds=1))
        assert begin(database, first.turn_id) is not None


def test_what_is_given_back_can_be_begun_at_once(database: Database) -> None:
    """And the attempts here are over: they neither go on nor write."""
    leases = Leases(database, lease=LEASE)
    attempt = running(database, new_turn(database))
    with leases.turn(attempt) as lease:
        assert leases.give_back() == [attempt.turn_id]
        with pytest.raises(Fenced):
            lease.check()
        with pytest.raises(Fenced), database.write() as session:
            turns.hold(session, attempt)
        again = begin(database, attempt.turn_id)
        assert again is not None
        assert again.failures == 0, "nobody died"


def test_a_message_let_go_is_not_renewed_by_a_beat_under_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letting go waits for the beat, so that when it is tried again stays as the sender has written it."""
    leases = Leases(database, lease=LEASE)
    store(database, "a")
    with database.write() as session:
        delivery = deliveries.take(session, message(database, "a").id)
    assert delivery is not None
    beats, let_go, seen = Event(), Event(), []
    real = deliveries.renew

    def slow(session: Session, held: list[Delivery]) -> set[int]:
        if held:  # its own thread may beat, too: with it in hand, or when it has been let go
            beats.set()
            time.sleep(0.1)
            seen.append(let_go.is_set())
        return real(session, held)

    monkeypatch.setattr(deliveries, "renew", slow)
    with leases.sending(delivery):
        beat = Thread(target=leases.renew)
        beat.start()
        assert beats.wait(120)
    let_go.set()
    beat.join()
    assert set(seen) == {False}

"""The leases of this process: one beat renews them all (`bot.durations.TURN_LEASE`).

When a process dies its leases expire within seconds, and others take over its turns and messages. A process that was
frozen or cut off from the database learns here which leases it lost: their attempts stop at their next check
(`HeldAttempt.check`), and at their next write in any case.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event, Lock, Thread

import structlog

from bot import durations
from bot.errors import Transient
from bot.store.db import Database
from bot.store.outbox import deliveries
from bot.store.outbox.deliveries import Delivery
from bot.store.tickets import turns
from bot.store.tickets.turns import Attempt, Fenced
from jobs.engine import deadlines

log = structlog.get_logger()

IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class HeldAttempt:
    """An attempt of this process, with its lease."""

    attempt: Attempt
    lost: Event = field(default_factory=Event)

    def check(self) -> None:
        """Raise if this attempt has to stop.

        Raises:
            Fenced: another attempt has the turn, or its requester has stopped it.
            StopAsked: an operator has stopped the job.
        """
        deadlines.check()
        if self.lost.is_set():
            raise Fenced(f"turn {self.attempt.turn_id}: attempt {self.attempt.number} was given up")


@dataclass(slots=True, eq=False)
class Sending:
    """A message that this process sends, with its lease."""

    delivery: Delivery
    until: float
    "When the lease expires, on the monotonic clock, which goes on while this process is frozen."

    def is_ours(self) -> bool:
        """Return whether the lease holds, so that nobody else can have taken the message."""
        return time.monotonic() < self.until


class Leases:
    """The leases of the turns and messages that the threads of one process work on.

    Args:
        database: holds the leases.
        lease: seconds after which a turn's lease expires without a beat.
    """

    def __init__(self, database: Database, *, lease: float) -> None:
        self._database = database
        self._lease = lease
        self._turns: set[HeldAttempt] = set()
        self._sendings: set[Sending] = set()
        self._something = Condition()
        "Guards both sets; notified when one of them grows."
        self._beating = Lock()
        "Held while a beat writes, so that a lease which ends meanwhile is not renewed after its end."
        self._thread: Thread | None = None

    @contextmanager
    def turn(self, attempt: Attempt) -> Iterator[HeldAttempt]:
        """Renew an attempt's lease while the block runs."""
        lease = HeldAttempt(attempt)
        try:
            self._take(lambda: self._turns.add(lease))
            yield lease
        finally:
            self._remove(lambda: self._turns.discard(lease))

    @contextmanager
    def sending(self, delivery: Delivery) -> Iterator[Callable[[], bool]]:
        """Renew a message's lease while the block runs; yield a function that returns whether it still holds."""
        sending = Sending(delivery, delivery.taken_at + durations.SENDING_LEASE)
        try:
            self._take(lambda: self._sendings.add(sending))
            yield sending.is_ours
        finally:
            self._remove(lambda: self._sendings.discard(sending))

    def give_back(self) -> list[int]:
        """Put every turn back and fence its attempt off; return their ids, for others to begin at once.

        Raises:
            Transient: the database cannot be reached; the leases expire by themselves.
        """
        with self._beating, self._something:
            leases = list(self._turns)
            for lease in leases:
                with self._database.write() as session:
                    turns.put_back(session, lease.attempt, after=0.0)
                lease.lost.set()
        return [lease.attempt.turn_id for lease in leases]

    def renew(self) -> None:
        """Renew all leases once.

        Raises:
            Transient: the database cannot be reached.
        """
        with self._beating:
            with self._something:
                leases, sendings = list(self._turns), list(self._sendings)
            at = time.monotonic()
            with self._database.write() as session:
                kept = turns.renew(session, [lease.attempt for lease in leases], lease=self._lease)
                ours = deliveries.renew(session, [sending.delivery for sending in sendings])
            for lease in leases:
                if (lease.attempt.turn_id, lease.attempt.number) not in kept:
                    lease.lost.set()
            for sending in sendings:
                if sending.delivery.id in ours:
                    sending.until = at + durations.SENDING_LEASE

    def _take(self, add: Callable[[], None]) -> None:
        with self._something:
            add()
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._beat, name="leases", daemon=True)
                self._thread.start()
            self._something.notify()

    def _remove(self, discard: Callable[[], None]) -> None:
        with self._beating, self._something:
            discard()

    def _beat(self) -> None:
        """Renew the leases until there have been none for `IDLE_SECONDS`."""
        pause = min(durations.LEASE_BEAT, self._lease / durations.BEATS_IN_A_LEASE)
        while True:
            with self._something:
                if not self._something.wait_for(lambda: self._turns or self._sendings, timeout=IDLE_SECONDS):
                    self._thread = None
                    return
            time.sleep(pause)
            try:
                self.renew()
            except Transient as error:
                log.warning("leases.not_renewed", error=str(error))
            except Exception as bug:  # the next beat may succeed; without beats every lease would expire
                log.exception("leases.crashed", error=type(bug).__name__)

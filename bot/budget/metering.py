"""Every model call goes through here: begin, then send, then end.

No request leaves without a hold in Redis and a committed row in SQL. If either cannot be reached, nothing leaves (fail
closed). `sweep` resolves what a crash left: the hold of a call that never left is freed, a call with unknown outcome is
charged at its worst case. Soft caps that are passed and hard caps that a call does not fit under are stored
(`bot.budget.cap_events`).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, NoReturn, Self
from uuid import uuid4

import structlog
from redis.exceptions import RedisError

from bot import durations
from bot.budget import cap_events
from bot.budget.admission import Full, Held, Holds, Over, Spent
from bot.budget.cap_events import CapEvents
from bot.budget.caps import Budgets, Cap
from bot.budget.prices.pricing import Prices, Unpriced, Usage
from bot.budget.refused_calls import NoRoom, OverCap
from bot.budget.reservation import Charge, Reservation
from bot.errors import Transient, kind
from bot.ground import Ground
from bot.store.db import Database, Session
from bot.store.money import ledger
from bot.store.schema import LedgerState

__all__ = ["Meter", "NoRoom", "OverCap"]

STARTS = 5
"Tries at one reservation if its accounts are reopened meanwhile."
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Meter:
    """Reserves money for model calls, and settles it."""

    database: Database
    holds: Holds
    read_budgets: Callable[[], Budgets]
    prices: Prices
    lease: timedelta
    cap_events: CapEvents

    @classmethod
    def connect(
        cls,
        redis_url: str,
        database: Database,
        read_budgets: Callable[[], Budgets],
        prices: Prices,
        *,
        lease_seconds: float = durations.RESERVATION_LEASE,
        ground: Ground | None = None,
    ) -> Self:
        """Return a meter; `check` checks its Redis.

        Args:
            redis_url: address of the Redis with the holds.
            database: holds the ledger.
            read_budgets: returns the budgets in force.
            prices: the rates.
            lease_seconds: how long a call may take before it counts as lost.
            ground: the installation or demo that the Redis must belong to.
        """
        gate = Holds.connect(redis_url, lease_seconds=lease_seconds, ground=ground)
        seen = CapEvents(database, gate, read_budgets)
        return cls(database, gate, read_budgets, prices, timedelta(seconds=lease_seconds), seen)

    @property
    def budgets(self) -> Budgets:
        """Return the budgets in force."""
        return self.read_budgets()

    def close(self) -> None:
        """Close the connections to Redis."""
        self.holds.close()

    def check(self) -> None:
        """Refuse a Redis that may evict keys.

        Raises:
            ConfigError: its eviction policy is wrong.
            Transient: it cannot be reached.
        """
        self.holds.check()

    def begin(
        self,
        charge: Charge,
        *,
        model: str,
        prompt_bytes: int,
        max_tokens: int,
        cache: Literal["none", "5m", "1h"] = "1h",
        count: Callable[[], int | None] = lambda: None,
        also: Callable[[Session], object] = lambda _session: None,
    ) -> Reservation:
        """Reserve the worst case of one HTTP attempt and write it down; on return the request may leave.

        A prompt has at most as many tokens as bytes, and usually a quarter: if it does not fit by its bytes, its tokens
        are counted before it is refused. Holds are not spending: they open no review, and the call may be tried again.

        Args:
            charge: to whom the call is attributed.
            model: the model id of the request.
            prompt_bytes: UTF-8 bytes of everything sent.
            max_tokens: the most output tokens.
            cache: the most expensive cache write that the request asks for.
            count: asks the vendor for the prompt's tokens, at most once; None: unknown.
            also: writes what belongs to the call in the transaction that writes it down; if it raises, nothing leaves.

        Raises:
            OverCap: it does not fit under one or more hard caps; a review of each is open.
            NoRoom: it does not fit beside the holds of calls under way, of everybody or of this person.
            Unpriced: the model has no price.
            Transient: Redis or SQL cannot be reached; nothing may leave.
        """
        worst_case = partial(self.prices.worst_case, model, max_tokens=max_tokens, cache=cache)
        longest = prompt_bytes
        for _ in range(STARTS):
            at = datetime.now(UTC)
            amount = worst_case(prompt_bytes=longest, at=at)
            started = self._start(charge, model, amount, at, also)
            if isinstance(started, Reservation):
                return started
            if started is not None:
                counted = count() if worst_case(prompt_bytes=0, at=at) <= started.room_nusd else None
                if counted is None or counted >= longest:
                    self._refuse(started, charge, amount)
                longest, count = counted, lambda: None
        raise Transient("budget: the accounts were opened again too often")

    def _refuse(self, found: Over | Full, charge: Charge, amount: int) -> NoReturn:
        if isinstance(found, Full):
            raise NoRoom(found, amount)
        for over in (found, *found.others):  # the call fits only when all of them are raised
            self.cap_events.ask_for_review(over, charge, amount)
        raise OverCap(found, amount)

    def end(
        self,
        reservation: Reservation,
        usage: Usage,
        *,
        tool: str | None,
        also: Callable[[Session, int], object] = lambda _session, _cost_nusd: None,
    ) -> int:
        """Settle a call at its true cost and return what it was charged, in nano-USD.

        A second settlement of the same call changes nothing. A usage without a price is charged at the worst case.
        Redis need not be reachable: SQL decides.

        Args:
            reservation: what `begin` returned.
            usage: as the response reported it.
            tool: the first tool that the answer calls.
            also: given the cost, writes what came of the call in the transaction that settles it. If it raises, the
                call is settled all the same.

        Raises:
            Transient: SQL cannot be reached; the call is charged at its worst case when its lease ends.
        """
        used, cost = ledger.Used(usage.tokens, tool, asdict(usage)), self._cost(reservation, usage)
        try:
            with self.database.write() as session:
                won, charged = self._resolve(session, reservation, cost, used)
                also(session, charged)
        except Exception:
            with self.database.write() as session:
                won, charged = self._resolve(session, reservation, cost, used)
            self._ended(reservation, charged, won=won)
            raise
        # The token count or a rate was too low, so the cap may be exceeded by the difference.
        if charged > reservation.reserved_nusd:
            log.error("call.underestimated", rid=reservation.rid, reserved=reservation.reserved_nusd, cost=charged)
        self._ended(reservation, charged, won=won)
        return charged

    def _cost(self, reservation: Reservation, usage: Usage) -> int | None:
        """Return the true cost of a call, in nano-USD; None: its usage has no price."""
        try:
            return self.prices.cost(usage, at=reservation.at)
        except Unpriced as error:
            log.warning("call.unpriced", rid=reservation.rid, why=str(error))
            return None

    @staticmethod
    def _resolve(session: Session, reservation: Reservation, cost: int | None, used: ledger.Used) -> tuple[bool, int]:
        """Settle a call, or charge one without a price; return whether that was done now, and what it was charged."""
        rid, at = reservation.rid, datetime.now(UTC)
        if cost is None:
            won, cost = ledger.charge(session, rid, used=used, at=at), reservation.reserved_nusd
        else:
            won = ledger.settle(session, rid, cost_nusd=cost, used=used, at=at)
        return won, cost if won else ledger.resolved(session, [rid])[rid].cost_nusd

    def void(self, reservation: Reservation) -> None:
        """Settle at zero a call that is known not to be billed (429, 529, a refused connection).

        Raises:
            Transient: SQL cannot be reached; the call is charged at its worst case when its lease ends.
        """
        with self.database.write() as session:
            won, charged = self._resolve(session, reservation, 0, ledger.Used())
        self._ended(reservation, charged, won=won)

    def sweep(self) -> int:
        """Resolve what a crash left; return the number of calls that were charged at their worst case.

        Raises:
            Transient: SQL or Redis cannot be reached; the next sweep goes on.
        """
        at = datetime.now(UTC)
        charged: Sequence[ledger.Resolved] = ()
        with self.database.look() as session:
            overdue = ledger.overdue(session, at)
        if overdue:
            unsent = self.holds.unsent(overdue)  # a worker died after it wrote the row and before the dispatch
            with self.database.write() as session:
                for rid in unsent:
                    ledger.withdraw(session, rid)
                charged = ledger.charge_overdue(session, at)
        for row in charged:
            log.warning("call.charged", rid=row.rid, cost_nusd=row.cost_nusd)
            self._free(row.rid, row.accounts, row.cost_nusd)
        left = self.holds.expired()  # before SQL is read: a row that is missing then will not be dispatched
        with self.database.look() as session:
            rows = ledger.resolved(session, [hold.rid for hold in left]) if left else {}
        for hold in left:
            known = rows.get(hold.rid)
            if known is None or known.state is not LedgerState.SENT:
                self._free(hold.rid, hold.accounts, 0 if known is None else known.cost_nusd)
        return len(charged)

    def budget_state(self, cap: Cap) -> ledger.BudgetState:
        """Return what the ledger holds for the account of a cap.

        Raises:
            Transient: SQL cannot be reached.
        """
        return cap_events.budget_state(self.database, cap)

    def _start(
        self, charge: Charge, model: str, amount: int, at: datetime, also: Callable[[Session], object]
    ) -> Reservation | Over | Full | None:
        """Try to make a reservation; None: its accounts were reopened meanwhile."""
        budgets = self.budgets
        caps = budgets.accounts(team=charge.team, channel=charge.channel, user=charge.user, agent=charge.agent, at=at)
        held = self.holds.reserve(
            uuid4().hex,
            amount,
            caps,
            self.budget_state,
            version=budgets.version,
            person=charge.person,
            share=budgets.share,
        )
        if not isinstance(held, Held):
            return held
        reservation = Reservation(held.rid, amount, caps, at, charge)
        try:
            with self.database.write() as session:
                row = reservation.row(model, price_version=self.prices.version, lease=self.lease)
                ledger.record(session, row)  # it refers to its ticket, which is locked before the turn, as everywhere
                also(session)
            if self.holds.dispatch(held):
                return reservation
        except Exception:
            self._abandon(reservation)
            raise
        self._abandon(reservation)
        return None

    def _abandon(self, reservation: Reservation) -> None:
        """Undo a reservation that was not dispatched; the sweep finds what cannot be undone now."""
        try:
            with self.database.write() as session:
                ledger.withdraw(session, reservation.rid)
        except Transient as error:
            log.warning("reservation.not_undone", rid=reservation.rid, why=str(error))
            return
        self._free(reservation.rid, reservation.accounts, 0)

    def _ended(self, reservation: Reservation, charged: int, *, won: bool) -> None:
        if won:
            self.cap_events.note_spending(reservation, self._free(reservation.rid, reservation.accounts, charged))

    def _free(self, rid: str, accounts: Sequence[str], cost: int) -> tuple[Spent, ...]:
        try:
            return self.holds.settle(rid, accounts, cost=cost)
        except (Transient, RedisError) as error:  # SQL has settled it; the hold expires
            log.warning("hold.not_freed", rid=rid, why=kind(error))
            return ()

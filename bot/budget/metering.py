"""The one door for model calls: begin, then send, then end.

No request leaves without a hold in Redis and a committed row in SQL. When either cannot be reached
nothing leaves (fail closed). What a crash left behind is resolved by `sweep`: a hold that never
left is freed, a call with unknown outcome is charged at its worst case.

What passes a soft cap or meets a hard one is written down beside it (`bot.budget.cap_events`).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, Self
from uuid import uuid4

import structlog
from redis.exceptions import RedisError

from bot import durations
from bot.budget import cap_events
from bot.budget.admission import Full, Held, Holds, Over, Spent
from bot.budget.cap_events import CapEvents
from bot.budget.caps import Budgets, Cap
from bot.budget.prices.pricing import Prices, Unpriced, Usage
from bot.budget.reservation import Charge, Reservation
from bot.dimensions import NANO
from bot.errors import Refused, Transient, kind
from bot.ground import Ground
from bot.principals import Reason
from bot.store.db import Database
from bot.store.money import ledger
from bot.store.schema import LedgerState

STARTS = 5
"Tries at one reservation while its accounts are opened again under it."

log = structlog.get_logger(__name__)


class OverCap(Refused):
    """The call does not fit under a hard cap.

    Attributes:
        cap: the account that it does not fit under; of several the one that resets last.
    """

    def __init__(self, over: Over, needed_nusd: int) -> None:
        super().__init__(
            f"{over.cap.key}: {over.spent_nusd / NANO:.4f} of {over.limit_nusd / NANO:.4f} USD are used, "
            f"the call needs up to {needed_nusd / NANO:.4f}",
            reason=Reason.BUDGET,
        )
        self.cap = over.cap


class NoRoom(Transient):
    """The call fits beside what is spent, and not beside what calls under way hold: seconds later it may."""

    def __init__(self, full: Full, needed_nusd: int) -> None:
        super().__init__(
            f"{', '.join(cap.key for cap in full.caps)}: calls under way leave room for "
            f"{max(0, full.room_nusd) / NANO:.4f} USD, the call needs up to {needed_nusd / NANO:.4f}"
        )


@dataclass(frozen=True, slots=True)
class Meter:
    """Admission and settlement of model calls."""

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
        """Return a meter; `check` says whether its Redis will do.

        Args:
            redis_url: address of the gate.
            database: the ledger.
            read_budgets: returns the budgets as they are now.
            prices: the rates.
            lease_seconds: how long a call may take before it counts as lost.
            ground: whose Redis it has to be.
        """
        gate = Holds.connect(redis_url, lease_seconds=lease_seconds, ground=ground)
        seen = CapEvents(database, gate, read_budgets)
        return cls(database, gate, read_budgets, prices, timedelta(seconds=lease_seconds), seen)

    @property
    def budgets(self) -> Budgets:
        """Return the budgets as they are now."""
        return self.read_budgets()

    def close(self) -> None:
        """Give the connections to Redis back."""
        self.holds.close()

    def check(self) -> None:
        """Refuse a Redis that may throw keys away on its own.

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
    ) -> Reservation:
        """Reserve the worst case of one HTTP attempt and write it down; on return it may leave.

        A prompt has no more tokens than bytes, and mostly a quarter of them: one that does not fit by
        its bytes is counted before it is refused, where a count could make it fit. What others only hold is
        no spending: no review is opened for it, and the call may be tried again.

        Args:
            charge: to whom it is attributed.
            model: the id asked for.
            prompt_bytes: UTF-8 bytes of everything sent.
            max_tokens: of output.
            cache: the dearest cache write that the request asks for.
            count: asks the vendor for the prompt's tokens, at most once; None when it does not say.

        Raises:
            OverCap: it does not fit under a hard cap, or several; the review of each is open.
            NoRoom: it does not fit beside what calls under way hold, all of them or this person's own.
            Unpriced: the model has no price.
            Transient: Redis or SQL cannot be reached; nothing may leave.
        """
        worst_case = partial(self.prices.worst_case, model, max_tokens=max_tokens, cache=cache)
        longest = prompt_bytes
        for _ in range(STARTS):
            at = datetime.now(UTC)
            amount = worst_case(prompt_bytes=longest, at=at)
            started = self._start(charge, model, amount, at)
            if isinstance(started, Reservation):
                return started
            if started is not None:
                counted = count() if worst_case(prompt_bytes=0, at=at) <= started.room_nusd else None
                if counted is None or counted >= longest:
                    if isinstance(started, Full):
                        raise NoRoom(started, amount)
                    for over in (started, *started.others):  # all have to be raised before it fits
                        self.cap_events.ask_for_review(over, charge, amount)
                    raise OverCap(started, amount)
                longest, count = counted, lambda: None
        raise Transient("budget: the accounts were opened again too often")

    def end(self, reservation: Reservation, usage: Usage, *, tool: str | None) -> int:
        """Settle a call at its true cost and return what it was charged, in nano-USD.

        Safe to call twice: the first settlement stands. A usage that has no price is charged at the
        worst case. Redis may be gone; SQL decides.

        Args:
            reservation: what `begin` returned.
            usage: as the response reported it.
            tool: the first tool that the answer calls.

        Raises:
            Transient: SQL cannot be reached; the call is charged at its worst case when its lease ends.
        """
        used = ledger.Used(usage.tokens, tool, asdict(usage))
        at = datetime.now(UTC)
        try:
            cost = self.prices.cost(usage, at=reservation.at)
        except Unpriced as error:
            log.warning("call.unpriced", rid=reservation.rid, why=str(error))
            cost = reservation.reserved_nusd
            with self.database.write() as session:
                won = ledger.charge(session, reservation.rid, used=used, at=at)
        else:
            with self.database.write() as session:
                won = ledger.settle(session, reservation.rid, cost_nusd=cost, used=used, at=at)
        # A count was too low, or a rate: the cap may have been passed by this much.
        if cost > reservation.reserved_nusd:
            log.error("call.underestimated", rid=reservation.rid, reserved=reservation.reserved_nusd, cost=cost)
        return self._ended(reservation, cost, won=won)

    def void(self, reservation: Reservation) -> None:
        """Settle at zero a call that is known not to be billed (429, 529, a refused connection).

        Raises:
            Transient: SQL cannot be reached; the call is charged at its worst case when its lease ends.
        """
        with self.database.write() as session:
            won = ledger.settle(session, reservation.rid, cost_nusd=0, used=ledger.Used(), at=datetime.now(UTC))
        self._ended(reservation, 0, won=won)

    def sweep(self) -> int:
        """Resolve what a crash left, and return how many calls were charged at their worst case.

        Raises:
            Transient: SQL or Redis cannot be reached; the next sweep goes on.
        """
        at = datetime.now(UTC)
        with self.database.read() as session:
            overdue = ledger.overdue(session, at)
        unsent = self.holds.unsent(overdue)  # a worker died between its row and the dispatch
        with self.database.write() as session:
            for rid in unsent:
                ledger.withdraw(session, rid)
            charged = ledger.charge_overdue(session, at)
        for row in charged:
            log.warning("call.charged", rid=row.rid, cost_nusd=row.cost_nusd)
            self._free(row.rid, row.accounts, row.cost_nusd)
        # The look into SQL comes after the holds are marked dead: a row that is missing now stays so,
        # or can no longer be dispatched.
        left = self.holds.expired()
        with self.database.read() as session:
            rows = ledger.resolved(session, [hold.rid for hold in left])
        for hold in left:
            if hold.rid not in rows:
                self._free(hold.rid, hold.accounts, 0)
            elif rows[hold.rid].state is not LedgerState.SENT:
                self._free(hold.rid, hold.accounts, rows[hold.rid].cost_nusd)
        return len(charged)

    def budget_state(self, cap: Cap) -> ledger.BudgetState:
        """Return how the account of a cap stands in the ledger.

        Raises:
            Transient: SQL cannot be reached.
        """
        return cap_events.budget_state(self.database, cap)

    def _start(self, charge: Charge, model: str, amount: int, at: datetime) -> Reservation | Over | Full | None:
        """Take one try at a reservation; None when its accounts were opened again meanwhile."""
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
                ledger.record(session, row)
            if self.holds.dispatch(held):
                return reservation
        except Transient:
            self._abandon(reservation)
            raise
        self._abandon(reservation)
        return None

    def _abandon(self, reservation: Reservation) -> None:
        """Undo what was not dispatched; what cannot be undone now is found by the sweep."""
        try:
            with self.database.write() as session:
                ledger.withdraw(session, reservation.rid)
        except Transient as error:
            log.warning("reservation.not_undone", rid=reservation.rid, why=str(error))
            return
        self._free(reservation.rid, reservation.accounts, 0)

    def _ended(self, reservation: Reservation, cost: int, *, won: bool) -> int:
        if won:
            self.cap_events.after(reservation, self._free(reservation.rid, reservation.accounts, cost))
            return cost
        with self.database.read() as session:
            row = ledger.resolved(session, [reservation.rid])[reservation.rid]
        return row.cost_nusd

    def _free(self, rid: str, accounts: Sequence[str], cost: int) -> tuple[Spent, ...]:
        try:
            return self.holds.settle(rid, accounts, cost=cost)
        except (Transient, RedisError) as error:  # SQL has settled it, whatever Redis says
            log.warning("hold.not_freed", rid=rid, why=kind(error))
            return ()

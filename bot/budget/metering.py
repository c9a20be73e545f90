"""The one door for model calls: begin, then send, then end.

No request leaves without a hold in Redis and a committed row in SQL. When either cannot be reached
nothing leaves (fail closed). What a crash left behind is resolved by `sweep`: a hold that never
left is freed, a call with unknown outcome is charged at its worst case.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Self
from uuid import uuid4

import structlog

from bot.budget.admission import Gate, Over
from bot.budget.caps import NANO, Budgets, Cap
from bot.budget.pricing import Prices, Unpriced, Usage
from bot.errors import Refused, Transient
from bot.principals import Reason
from bot.store import ledger
from bot.store.db import Database
from bot.store.schema import LedgerRow

LEASE_SECONDS = 120.0
"Longer than any model call may take."
STARTS = 5
"Tries at one reservation while its accounts are opened again under it."

log = structlog.get_logger(__name__)


class OverCap(Refused):
    """The call does not fit under a hard cap.

    Attributes:
        cap: the account that it does not fit under, with the time at which it resets.
    """

    def __init__(self, over: Over, needed_nusd: int) -> None:
        used = over.spent_nusd + over.held_nusd
        super().__init__(
            f"{over.cap.key}: {used / NANO:.4f} of {over.cap.limit_nusd / NANO:.4f} USD are used or held, "
            f"the call needs up to {needed_nusd / NANO:.4f}",
            reason=Reason.BUDGET,
        )
        self.cap = over.cap


@dataclass(frozen=True, slots=True)
class Charge:
    """To whom a call is attributed."""

    team: str
    channel: str
    user: str
    agent: str
    release: str
    ticket_id: int | None
    turn_id: int | None
    step: int
    purpose: Literal["turn", "eval"]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave for one HTTP attempt."""

    rid: str
    reserved_nusd: int
    accounts: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Meter:
    """Admission and settlement of model calls."""

    database: Database
    gate: Gate
    budgets: Budgets
    prices: Prices
    lease: timedelta

    @classmethod
    def connect(
        cls,
        redis_url: str,
        database: Database,
        budgets: Budgets,
        prices: Prices,
        *,
        lease_seconds: float = LEASE_SECONDS,
    ) -> Self:
        """Return a meter; `check` says whether its Redis will do."""
        gate = Gate.connect(redis_url, lease_seconds=lease_seconds)
        return cls(database, gate, budgets, prices, timedelta(seconds=lease_seconds))

    def close(self) -> None:
        """Give the connections to Redis back."""
        self.gate.close()

    def check(self) -> None:
        """Refuse a Redis that may throw keys away on its own.

        Raises:
            ConfigError: its eviction policy is wrong.
            Transient: it cannot be reached.
        """
        self.gate.check()

    def begin(
        self,
        charge: Charge,
        *,
        model: str,
        prompt_bytes: int,
        max_tokens: int,
        cache: Literal["none", "5m", "1h"] = "1h",
    ) -> Reservation:
        """Reserve the worst case of one HTTP attempt and write it down; on return it may leave.

        Args:
            charge: to whom it is attributed.
            model: the id asked for.
            prompt_bytes: UTF-8 bytes of everything sent.
            max_tokens: of output.
            cache: the dearest cache write that the request asks for.

        Raises:
            OverCap: it does not fit under a hard cap.
            Unpriced: the model has no price.
            Transient: Redis or SQL cannot be reached; nothing may leave.
        """
        for _ in range(STARTS):
            at = datetime.now(UTC)
            amount = self.prices.worst_case(model, prompt_bytes=prompt_bytes, max_tokens=max_tokens, cache=cache, at=at)
            if reservation := self._start(charge, model, amount, at):
                return reservation
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
        tokens = _tokens(usage)
        at = datetime.now(UTC)
        try:
            cost = self.prices.cost(usage, at=reservation.at)
        except Unpriced as error:
            log.warning("call.unpriced", rid=reservation.rid, why=str(error))
            cost = reservation.reserved_nusd
            with self.database.write() as session:
                won = ledger.charge(session, reservation.rid, tokens=tokens, tool=tool, at=at)
        else:
            with self.database.write() as session:
                won = ledger.settle(session, reservation.rid, cost_nusd=cost, tokens=tokens, tool=tool, at=at)
        return self._ended(reservation, cost, won=won)

    def void(self, reservation: Reservation) -> None:
        """Settle at zero a call that is known not to be billed (429, 529, a refused connection).

        Raises:
            Transient: SQL cannot be reached; the call is charged at its worst case when its lease ends.
        """
        with self.database.write() as session:
            won = ledger.settle(
                session,
                reservation.rid,
                cost_nusd=0,
                tokens=ledger.Tokens(),
                tool=None,
                at=datetime.now(UTC),
            )
        self._ended(reservation, 0, won=won)

    def sweep(self) -> int:
        """Resolve what a crash left, and return how many calls were charged at their worst case.

        Raises:
            Transient: SQL or Redis cannot be reached; the next sweep goes on.
        """
        with self.database.write() as session:
            charged = ledger.charge_overdue(session, datetime.now(UTC))
        for row in charged:
            log.warning("call.charged", rid=row.rid, cost_nusd=row.cost_nusd)
            self._free(row.rid, row.accounts, row.cost_nusd)
        # The look into SQL comes after the holds are marked dead: a row that is missing now stays so,
        # or can no longer be dispatched.
        left = self.gate.expired()
        with self.database.read() as session:
            rows = ledger.resolved(session, [hold.rid for hold in left])
        for hold in left:
            if hold.rid not in rows:
                self._free(hold.rid, hold.accounts, 0)
            elif rows[hold.rid].state != ledger.SENT:
                self._free(hold.rid, hold.accounts, rows[hold.rid].cost_nusd)
        return len(charged)

    def balance(self, cap: Cap) -> int:
        """Return what counts against a cap by now: spent and held, in nano-USD.

        Raises:
            Transient: SQL cannot be reached.
        """
        return self._recall(cap).total_nusd

    def _start(self, charge: Charge, model: str, amount: int, at: datetime) -> Reservation | None:
        """Take one try at a reservation; None when its accounts were opened again meanwhile."""
        caps = self.budgets.accounts(
            team=charge.team, channel=charge.channel, user=charge.user, agent=charge.agent, at=at
        )
        held = self.gate.reserve(uuid4().hex, amount, caps, self._recall)
        if isinstance(held, Over):
            raise OverCap(held, amount)
        reservation = Reservation(held.rid, amount, held.accounts, at)
        try:
            with self.database.write() as session:
                ledger.record(session, self._row(charge, model, reservation))
            if self.gate.dispatch(held):
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
            log.warning("reservation.left", rid=reservation.rid, why=str(error))
            return
        self._free(reservation.rid, reservation.accounts, 0)

    def _ended(self, reservation: Reservation, cost: int, *, won: bool) -> int:
        if won:
            self._free(reservation.rid, reservation.accounts, cost)
            return cost
        with self.database.read() as session:
            row = ledger.resolved(session, [reservation.rid])[reservation.rid]
        return row.cost_nusd

    def _free(self, rid: str, accounts: tuple[str, ...], cost: int) -> None:
        try:
            self.gate.settle(rid, accounts, cost=cost)
        except Transient as error:
            log.warning("hold.left", rid=rid, why=str(error))

    def _recall(self, cap: Cap) -> ledger.Standing:
        with self.database.read() as session:
            return ledger.standing(session, cap.scope, cap.holder, cap.window_start, cap.resets_at)

    def _row(self, charge: Charge, model: str, reservation: Reservation) -> LedgerRow:
        return LedgerRow(
            rid=reservation.rid,
            state=ledger.SENT,
            team=charge.team,
            channel=charge.channel,
            user=charge.user,
            agent=charge.agent,
            release=charge.release,
            purpose=charge.purpose,
            ticket_id=charge.ticket_id,
            turn_id=charge.turn_id,
            step=charge.step,
            model=model,
            price_version=self.prices.version,
            accounts=list(reservation.accounts),
            reserved_nusd=reservation.reserved_nusd,
            at=reservation.at,
            lease_until=reservation.at + self.lease,
        )


def _tokens(usage: Usage) -> ledger.Tokens:
    parts = usage.parts
    return ledger.Tokens(
        fresh=sum(part.input_tokens for part in parts),
        cache_read=sum(part.cache_read_tokens for part in parts),
        cache_write_5m=sum(part.cache_write_5m_tokens for part in parts),
        cache_write_1h=sum(part.cache_write_1h_tokens for part in parts),
        output=sum(part.output_tokens for part in parts),
    )

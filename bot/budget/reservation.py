"""To whom a call is attributed, and the reservation with which it may leave."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.budget.admission import account_of
from bot.budget.caps import Cap
from bot.store.schema import LedgerRow, LedgerState, Purpose


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
    purpose: Purpose

    @property
    def person(self) -> str:
        """Return the Slack user id whose share of a budget it counts against; empty for an evaluation."""
        return self.user if self.purpose is Purpose.TURN else ""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money that is reserved for one HTTP attempt."""

    rid: str
    reserved_nusd: int
    caps: tuple[Cap, ...]
    "The caps under which it is held, even if the budget file has changed since."
    at: datetime
    charge: Charge

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return the Redis keys of the accounts on which it is held."""
        return tuple(account_of(cap.key) for cap in self.caps)

    def row(self, model: str, *, price_version: str, lease: timedelta) -> LedgerRow:
        """Return the ledger row that is written before the request leaves."""
        return LedgerRow(
            rid=self.rid,
            state=LedgerState.SENT,
            team=self.charge.team,
            channel=self.charge.channel,
            user=self.charge.user,
            agent=self.charge.agent,
            release=self.charge.release,
            purpose=self.charge.purpose,
            ticket_id=self.charge.ticket_id,
            turn_id=self.charge.turn_id,
            step=self.charge.step,
            model=model,
            price_version=price_version,
            accounts=list(self.accounts),
            reserved_nusd=self.reserved_nusd,
            at=self.at,
            lease_until=self.at + lease,
        )

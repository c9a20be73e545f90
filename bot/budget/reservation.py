"""To whom a call is attributed, and the leave to make it."""

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
        """Return whose share of a budget it counts against; an evaluation is nobody's."""
        return self.user if self.purpose is Purpose.TURN else ""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave for one HTTP attempt."""

    rid: str
    reserved_nusd: int
    caps: tuple[Cap, ...]
    "Those that it is held under, whatever the budget file says by now."
    at: datetime
    charge: Charge

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return where Redis keeps the accounts that it is held on."""
        return tuple(account_of(cap.key) for cap in self.caps)

    def row(self, model: str, *, price_version: str, lease: timedelta) -> LedgerRow:
        """Return what is written down before the attempt leaves."""
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

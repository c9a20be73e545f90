"""Soft caps that calls passed and hard caps that they did not fit under, stored once; `jobs.budgets` tells people.

Invariant: there is one soft-cap alert for a budget key and percentage, and one open review for a budget key, even if
several processes see it at once or Redis loses its data: SQL decides who was first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.budget.admission import Holds, Over, Spent
from bot.budget.caps import Budgets, Cap
from bot.budget.reservation import Charge, Reservation
from bot.errors import Transient
from bot.store.db import Database, Session
from bot.store.money import ledger, reviews, soft_cap_alerts
from bot.store.money.ledger import BudgetState
from bot.store.schema import BudgetReview
from bot.telemetry import metrics

log = structlog.get_logger(__name__)

LOOKS_BACK = timedelta(minutes=10)
"Longer than a call's lease plus the time to the next look."
MOST_SEEN = 10_000
"The most remembered alerts. Then the memory is cleared, which costs one insert for each cap in use."


@dataclass(frozen=True, slots=True)
class CapEvents:
    """Stores what happens at caps, as seen by this process."""

    database: Database
    holds: Holds
    read_budgets: Callable[[], Budgets]
    seen: set[tuple[str, int]] = field(default_factory=set)
    "Soft-cap alerts, by budget key and percentage, that are known to be stored."

    def note_spending(self, reservation: Reservation, spent: Sequence[Spent]) -> None:
        """Store the soft caps that a call has passed; `look` finds those that cannot be stored now."""
        known = {account.account: account for account in spent}
        try:
            for cap in (cap for cap in reservation.caps if cap.soft):
                # A dropped account may never be reopened in its window, so SQL is read instead.
                self._note_passed(cap, known.get(cap.key) or self._read(cap), reservation.charge)
        except Transient as error:
            log.warning("soft_cap.not_recorded", rid=reservation.rid, why=str(error))

    def ask_for_review(self, over: Over, charge: Charge, amount: int) -> None:
        """Open the review of a hard cap, unless one is open or was denied for the limit in force.

        Raises:
            Transient: SQL cannot be reached.
        """
        metrics.BUDGET_STOPS.labels(over.cap.scope).inc()
        with self.database.write() as session:
            opened = reviews.open_for(
                session,
                account=over.cap.key,
                limit_nusd=over.limit_nusd,
                raised_before_nusd=over.raised_nusd,
                **_whose(over.cap),
                spent_nusd=over.spent_nusd,
                held_nusd=over.held_nusd,
                needed_nusd=amount,
                agent=charge.agent,
                channel=charge.channel,
                user=charge.user,
                ticket_id=charge.ticket_id,
                turn_id=charge.turn_id,
            )
        if opened is not None:
            log.warning("budget.reached", account=over.cap.key, review=opened, limit_nusd=over.limit_nusd)

    def look(self) -> None:
        """Store soft caps that were passed by calls whose process died before it stored them.

        Raises:
            Transient: SQL or Redis cannot be reached; the next look goes on.
        """
        budgets, at = self.read_budgets(), datetime.now(UTC)
        known = set()
        for account, start in self.holds.open_accounts():
            cap = budgets.cap(account.account, at)
            if cap is not None and cap.window_start == start:  # otherwise the time zone has changed
                known.add(account.account)
                self._note_passed(cap, account, None)
        with self.database.read() as session:
            spenders = ledger.spenders(session, at - LOOKS_BACK)
        caps = {cap.key: cap for holders in spenders for cap in budgets.accounts(**holders, at=at) if cap.soft}
        for key in caps.keys() - known:  # dropped, and no call has opened it again
            self._note_passed(caps[key], self._read(caps[key]), None)

    def apply_raises(self) -> None:
        """Drop the accounts whose limit was raised, so that they open again with the new limit.

        Raises:
            Transient: SQL or Redis cannot be reached; the next look goes on.
        """
        with self.database.read() as session:
            raises = reviews.unapplied(session)
        for review in raises:
            self.holds.drop(review.account)
            with self.database.write() as session:
                reviews.mark_applied(session, review.id)

    def _note_passed(self, cap: Cap, account: Spent, charge: Charge | None) -> None:
        passed = cap.passed(account.spent_nusd, account.raised_nusd)
        for percent in (percent for percent in passed if (cap.key, percent) not in self.seen):
            with self.database.write() as session:
                first = soft_cap_alerts.passed(
                    session,
                    account=cap.key,
                    percent=percent,
                    **_whose(cap),
                    limit_nusd=cap.limit_nusd + account.raised_nusd,
                    spent_nusd=account.spent_nusd,
                    agent=charge.agent if charge else _last_agent(session, cap),
                    turn_id=charge.turn_id if charge else None,
                )
            self._remember(cap.key, percent)
            if first:
                log.info("budget.passed", account=cap.key, percent=percent, spent_nusd=account.spent_nusd)

    def _read(self, cap: Cap) -> Spent:
        found = budget_state(self.database, cap)
        return Spent(cap.key, found.spent_nusd, found.raised_nusd)

    def _remember(self, account: str, percent: int) -> None:
        if len(self.seen) >= MOST_SEEN:
            self.seen.clear()
        self.seen.add((account, percent))


def budget_state(database: Database, cap: Cap) -> BudgetState:
    """Return what SQL holds for the account of a cap.

    Raises:
        Transient: SQL cannot be reached.
    """
    with database.read() as session:
        found = ledger.budget_state(session, cap.scope, cap.holder, cap.window_start, cap.resets_at)
        return replace(found, raised_nusd=reviews.raised(session, cap.key))


def left(database: Database, cap: Cap) -> int:
    """Return how much of a cap, raises included, is not spent, in nano-USD; below 0 where the limit was lowered since.

    Raises:
        Transient: SQL cannot be reached.
    """
    found = budget_state(database, cap)
    return cap.limit_nusd + found.raised_nusd - found.spent_nusd


def is_current(session: Session, review: BudgetReview, budgets: Budgets) -> bool:
    """Return whether the limit of a review is still in force, in the same window."""
    cap = budgets.cap(review.account, datetime.now(UTC))
    if cap is None or cap.window_start != review.window_start:
        return False
    return cap.limit_nusd + reviews.raised(session, cap.key) == review.limit_nusd


def _last_agent(session: Session, cap: Cap) -> str | None:
    return ledger.last_agent(session, cap.scope, cap.holder, cap.window_start, cap.resets_at)


def _whose(cap: Cap) -> dict[str, Any]:
    return {
        "scope": cap.scope,
        "holder": cap.holder,
        "window_start": cap.window_start,
        "resets_at": cap.resets_at,
    }

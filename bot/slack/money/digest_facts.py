"""Reads the figures of a digest from the store, and stores the message to each owner.

Invariant: an owner gets the digest of a period once, because the key of its message names both.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from bot.budget.caps import Budgets, Cap
from bot.budget.reports import periods
from bot.budget.reports.periods import Period
from bot.cost_dimensions import SCOPES, BudgetScope
from bot.errors import ConfigError
from bot.slack.money import digest as words
from bot.slack.money.digest_figures import CapUse, Digest, Side
from bot.store.db import Session
from bot.store.figures import success
from bot.store.handoffs import handoff_metrics
from bot.store.handoffs.handoff_metrics import Cohort
from bot.store.money import digests, ledger, people_time, reviews, spending
from bot.store.money.spending import LedgerFilter
from bot.store.schema import MessageKind, Purpose
from bot.store.tickets import feedback

CAPS = 5
NEAR = 20
"The most budgets that are looked up exactly, among those that seem nearest to their caps."


def gather(
    session: Session, budgets: Budgets, period: Period, *, at: datetime, rates: Mapping[str, int] | None = None
) -> Digest:
    """Return the digest of a period as it is at a moment.

    Args:
        session: the open transaction.
        budgets: the budgets in force.
        period: a week or a month.
        at: the time of measuring.
        rates: what an hour of people costs (nano-USD), by agent, where its card says it.
    """
    earlier = periods.before(budgets, period)
    where = LedgerFilter(period.since, period.until)
    return Digest(
        period=period,
        zone=budgets.time_zone,
        over=period.until <= at,
        now=_side(session, period, at, rates or {}),
        before=_side(session, earlier, at, rates or {})
        if digests.was_called(session, earlier.since, earlier.until)
        else None,
        points=tuple(_points(session, budgets, period)),
        users=spending.spend_by(session, "user", replace(where, purpose=Purpose.TURN)),
        tools=spending.spend_by(session, "tool", replace(where, purpose=Purpose.TURN)),
        caps=_nearest(session, budgets, period),
        decisions=digests.decisions(session, period.since, period.until),
        alerts=digests.alerts(session, period.since, period.until),
        thumbs=feedback.thumbs(session, period.since, period.until),
    )


def asked_for(session: Session, budgets: Budgets, name: str | None, *, at: datetime) -> Period:
    """Return the period of a name; for None the last complete one: a week in the first quarter, a month later.

    Raises:
        ConfigError: no week or month has that name.
    """
    if name is not None:
        return periods.read(budgets, name)
    return periods.last_over(budgets, first_call=digests.first_call(session), at=at)


def unsent(session: Session, period: Period, owners: Iterable[str]) -> tuple[str, ...]:
    """Return the owners who have not got the digest of a period; owners who have left are skipped."""
    there = digests.still_members(session, owners)
    known = digests.known(session, (digests.digest_key(period.name, owner) for owner in there))
    return tuple(owner for owner in there if digests.digest_key(period.name, owner) not in known)


def send(session: Session, digest: Digest, owners: Iterable[str]) -> tuple[str, ...]:
    """Store the digest as a direct message to each owner; return the owners who had not got it.

    Raises:
        ConfigError: the period is not over, or no model was called in it.
    """
    name = digest.period.name
    if not digest.over:
        raise ConfigError(f"{name} is not over: its digest is sent once, when it is; without --send it is shown so far")
    if not digest.now.spent.calls:
        raise ConfigError(f"no model was called in {name}: there is nothing to send")
    body = {**words.message(digest), "plainer": words.fallback(digest)}
    return tuple(
        owner
        for owner in digests.still_members(session, owners)
        if digests.say(session, MessageKind.DIGEST, digests.digest_key(name, owner), owner, body)
    )


def _side(session: Session, period: Period, at: datetime, rates: Mapping[str, int]) -> Side:
    where = LedgerFilter(period.since, period.until)
    cohort = Cohort(period.since, period.until, at, rates=rates)
    return Side(
        spent=people_time.added(session, spending.summary(session, where), where, rates=rates, at=at),
        handoffs=handoff_metrics.totals(session, cohort),
        charged=digests.charged(session, period.since, period.until),
        success=success.total(session, cohort),
    )


def _points(session: Session, budgets: Budgets, period: Period) -> Iterator[tuple[str, int]]:
    """Yield the cost of people's requests for each day of a week, or for each week in a month."""
    since = period.since
    while since < period.until:
        until = min(budgets.bounds("day" if period.kind == "week" else "week", since)[1], period.until)
        first = since.astimezone(budgets.zone)
        label = f"{first:%a} {first.day}" if period.kind == "week" else f"from {first.day} {first:%b}"
        yield (
            label,
            sum(
                line.cost_nusd
                for line in spending.spend_by(session, "agent", LedgerFilter(since, until, purpose=Purpose.TURN))
            ),
        )
        since = until


def _nearest(session: Session, budgets: Budgets, period: Period) -> tuple[CapUse, ...]:
    """Return the budgets that came nearest to their caps."""
    spent: dict[Cap, int] = {}
    for scope in SCOPES:
        for since, until in pairwise(periods.days(budgets, period.since, period.until)):
            for line in (
                spending.spend_by(session, scope, LedgerFilter(since, until)) if _is_capped(budgets, scope) else ()
            ):
                cap = _cap(budgets, scope, str(line.key), since)
                if cap is not None:
                    spent[cap] = spent.get(cap, 0) + line.cost_nusd
    rising = sorted(spent, key=lambda cap: _share(spent[cap], cap.limit_nusd))
    nearest = {(cap.scope, cap.holder): cap for cap in rising}  # the last window of each holder, which is the nearest
    near = [cap for cap in reversed(rising) if nearest[cap.scope, cap.holder] is cap][:NEAR]
    uses = [_use(session, cap, period.until) for cap in near]
    return tuple(sorted(uses, key=lambda use: -_share(use.spent_nusd, use.limit_nusd))[:CAPS])


def _is_capped(budgets: Budgets, scope: BudgetScope) -> bool:
    limits = getattr(budgets, scope)
    return limits.default is not None or bool(limits.named)


def _cap(budgets: Budgets, scope: BudgetScope, holder: str, at: datetime) -> Cap | None:
    holders = {"team": "", "channel": "", "user": "", "agent": ""} | {scope: holder}
    return next((cap for cap in budgets.accounts(**holders, at=at) if cap.scope == scope), None)


def _use(session: Session, cap: Cap, until: datetime) -> CapUse:
    """Return the use of a budget at the end of a period, or at the end of its window if that is earlier."""
    state = ledger.budget_state(session, cap.scope, cap.holder, cap.window_start, min(cap.resets_at, until))
    window = cap.key.rpartition(":")[2]
    return CapUse(cap.scope, cap.holder, window, state.spent_nusd, cap.limit_nusd + reviews.raised(session, cap.key))


def _share(spent: int, limit: int) -> float:
    return spent / limit if limit else math.inf

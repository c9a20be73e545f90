"""What earlier windows cost, and what a window will have cost when it ends.

Invariant: the rest of a window depends only on the time and on the window's end, so that the forecasts of a day and of
the week that ends with it agree. Only turns count, since evaluations come at no regular pace. There is no forecast
before a tenth of the window has passed and is in the ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.budget.caps import Budgets
from bot.cost_dimensions import Window
from bot.store.db import Session
from bot.store.money import spending
from bot.store.money.spending import LedgerFilter
from bot.store.schema import Purpose

WINDOWS_BEFORE = 4
WEEK = timedelta(days=7)
SURE_AFTER = 10
"A forecast needs this fraction of a window, a tenth, to have passed."
_MICRO = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class UsualWindow:
    """What earlier windows of the same kind cost; a day is compared with the same weekday."""

    windows: int
    "Number of windows that were compared, at most four."
    so_far_nusd: int
    "Mean of what they had cost by the same time of the window."
    rest_nusd: int
    "Mean of what they cost after that."


def usual(session: Session, budgets: Budgets, window: Window, where: LedgerFilter, at: datetime) -> UsualWindow | None:
    """Return what earlier windows cost, of those that the ledger holds as a whole; None: there are none."""
    begins = spending.first_call(session)
    elapsed, over = at - where.since, at >= where.until
    so_far = rest = windows = 0
    for start, end in _before(budgets, window, where.since):
        if begins is None or start < begins:
            break
        split = end if over else min(start + elapsed, end)
        so_far += spending.spent(session, replace(where, since=start, until=split))
        rest += 0 if over else spending.spent(session, replace(where, since=split, until=end))
        windows += 1
    return UsualWindow(windows, so_far // windows, rest // windows) if windows else None


def whole(session: Session, where: LedgerFilter, at: datetime, spent_nusd: int) -> int | None:
    """Return what a window will have cost when it ends: what is spent, plus the usual cost of its rest.

    Args:
        session: the open transaction.
        where: the window, and whose calls count.
        at: a time in it.
        spent_nusd: what it has cost by then.
    """
    begins = spending.first_call(session)
    if begins is None or at >= where.until or (at - max(begins, where.since)) * SURE_AFTER < where.until - where.since:
        return None
    people, left = replace(where, purpose=Purpose.TURN), where.until - at
    nearest = -(-left // WEEK)
    before = [number * WEEK for number in range(nearest, nearest + WINDOWS_BEFORE) if at - number * WEEK >= begins]
    rests = [spending.spent(session, replace(people, since=at - ago, until=where.until - ago)) for ago in before]
    if any(rests):
        return spent_nusd + sum(rests) // len(rests)
    known = min(WEEK, at - begins)
    pace = spending.spent(session, replace(people, since=at - known, until=at))
    return spent_nusd + pace * (left // _MICRO) // (known // _MICRO)


def as_now(session: Session, where: LedgerFilter, at: datetime, spent_nusd: int) -> int | None:
    """Return what a budget's window will have cost if requests go on at its pace so far; None: too early to say."""
    if at >= where.until or (at - where.since) * SURE_AFTER < where.until - where.since:
        return None
    people = spending.spent(session, replace(where, purpose=Purpose.TURN))
    return spent_nusd + people * ((where.until - at) // _MICRO) // ((at - where.since) // _MICRO)


def full_at(spent: int, limit: int, forecast: int | None, at: datetime, until: datetime) -> datetime | None:
    """Return when a limit will be reached; None: not before the window ends."""
    if forecast is None or not spent < limit < forecast:
        return None
    return at + (until - at) * ((limit - spent) / (forecast - spent))


def _before(budgets: Budgets, window: Window, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows to compare with, the latest first: a Monday with Mondays."""
    # Half a day into the window, because daylight saving moves its start by an hour.
    moment = since + timedelta(hours=12)
    for _ in range(WINDOWS_BEFORE):
        moment = since - timedelta(days=1) if window == "month" else moment - timedelta(days=7)
        since, end = budgets.bounds(window, moment)
        yield since, end

"""How long people had claimed the tickets of a report on spending, within its window, and what that cost."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from bot.store.handoffs import claims
from bot.store.money.spending import LedgerFilter, Summary, is_resolved, within
from bot.store.money.ticket_costs import ClaimedTime, TicketCosts
from bot.store.schema import Handoff, LedgerRow, Ticket

_HOUR = 3_600


def added(
    session: Session, summary: Summary, where: LedgerFilter, *, rates: Mapping[str, int], at: datetime
) -> Summary:
    """Return a summary with the time of people: claims of its tickets, from the start of its window.

    Args:
        session: the open transaction.
        summary: the figures over the rows that the filter lets through.
        where: which calls; the tickets are those with such a call.
        rates: what an hour of people costs (nano-USD), by agent, where its card says it.
        at: until when claims count, if the window has not ended before: now.
    """
    people, resolved = _people(session, where, rates, min(at, where.until))
    return replace(summary, people=people, people_resolved=resolved)


def of_tickets(summary: Summary) -> TicketCosts:
    """Return what the tickets of a report have cost, model calls and people."""
    return _costs(summary.tickets, summary.tickets_nusd, summary.people)


def of_resolved(summary: Summary) -> TicketCosts:
    """Return what the resolved tickets have cost, model calls and people."""
    return _costs(summary.resolved, summary.resolved_nusd, summary.people_resolved)


def of_handed_off(summary: Summary) -> TicketCosts:
    """Return what the tickets that were handed to people have cost; nobody claims any other."""
    return _costs(summary.handed_off, summary.handed_off_nusd, summary.people)


def _costs(tickets: int, nusd: int, people: ClaimedTime) -> TicketCosts:
    return TicketCosts(tickets, nusd, people.seconds, people.nusd, people.unpriced)


def _people(
    session: Session, where: LedgerFilter, rates: Mapping[str, int], at: datetime
) -> tuple[ClaimedTime, ClaimedTime]:
    """Return how long people had the tickets claimed within the window, all of them and those that are resolved."""
    called = select(LedgerRow.rid).where(LedgerRow.ticket_id == Ticket.id, within(where)).exists()
    in_window = and_(Handoff.opened_at < at, or_(Handoff.closed_at.is_(None), Handoff.closed_at > where.since))
    held = claims.by_ticket(and_(in_window, called), since=where.since, at=at)
    seconds = held.c.claimed_seconds
    rows = select(Ticket.agent, is_resolved().label("resolved"), seconds.label("seconds"))
    each = rows.join(held, held.c.ticket_id == Ticket.id).where(seconds > 0).subquery()
    keys = (each.c.agent, each.c.resolved)
    times = [
        (bool(resolved), _time(float(spent), int(tickets), rates.get(agent)))
        for agent, resolved, spent, tickets in session.execute(
            select(*keys, func.sum(each.c.seconds), func.count()).group_by(*keys)
        )
    ]
    return _sum_of(one for _, one in times), _sum_of(one for resolved, one in times if resolved)


def _time(seconds: float, tickets: int, rate: int | None) -> ClaimedTime:
    return ClaimedTime(seconds, 0, tickets) if rate is None else ClaimedTime(seconds, round(seconds * rate / _HOUR))


def _sum_of(times: Iterable[ClaimedTime]) -> ClaimedTime:
    known = tuple(times)
    return ClaimedTime(
        round(sum(one.seconds for one in known), 3),
        sum(one.nusd for one in known),
        sum(one.unpriced for one in known),
    )

"""What is counted of handoffs, by the UTC day on which they were opened, and agent.

When a handoff is closed, its reason and times are final: a later wait opens another handoff. Times are those of
`bot.store.handoffs.handoff_metrics`, from the requester's first wait, rounded to two significant digits.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.store.figures import histograms
from bot.store.figures.counts import Counted, Counts, Timed
from bot.store.figures.day_counts import Agents, ByDayAndAgent, Span
from bot.store.schema import Handoff, HandoffMove, HandoffState, MoveKind, Ticket
from bot.store.sql.dialects import MillisecondsBetween, UtcDate

TIMES = (Timed.TO_CLAIM, Timed.TO_FIRST_RESPONSE, Timed.TO_RESOLVE)


def closed(session: Session, span: Span) -> ByDayAndAgent:
    """Count the handoffs that were closed in a span of time, by the day on which they were opened, and agent."""
    found: ByDayAndAgent = defaultdict(Counts)
    for day, agent, *handoff in _each(session, _ended(span), UtcDate(Handoff.opened_at), Ticket.agent):
        _count(found[day, agent], *handoff)
    return found


def not_added(session: Session, spans: Sequence[Span], *, opened: Span, agents: Agents) -> Counts:
    """Count the handoffs that were opened on some days and are open, or were closed in some spans of time.

    Args:
        session: the open transaction.
        spans: when they were closed.
        opened: the whole UTC days on which they were opened.
        agents: the agents; None: all.
    """
    # No index has the date: else SQLite would read all that were opened then, for the few that were closed.
    opened_on = UtcDate(Handoff.opened_at)
    on_days = [opened_on >= opened.since.date().isoformat(), opened_on < opened.until.date().isoformat()]
    within = [and_(_ended(span), *on_days) for span in spans]
    within.append(
        and_(Handoff.closed_at.is_(None), Handoff.opened_at >= opened.since, Handoff.opened_at < opened.until)
    )
    found = Counts()
    for agent, *handoff in _each(session, or_(*within), Ticket.agent):
        # A database that is asked for some agents may read all their tickets first.
        if agents is None or agent in agents:
            _count(found, *handoff)
    return found


def _ended(span: Span) -> ColumnElement[bool]:
    return and_(Handoff.closed_at >= span.since, Handoff.closed_at < span.until)


def _each(session: Session, within: ColumnElement[bool], *keys: Any) -> Iterable[Sequence[Any]]:
    """Return the keys, the reason and the times of each handoff."""
    query: Select[Any] = select(*keys, Handoff.reason, *_times())
    return session.execute(query.join(Ticket, Ticket.id == Handoff.ticket_id).where(within))


def _count(counts: Counts, reason: str, *took: int | None) -> None:
    """Add a handoff."""
    counts.count(Counted.HANDOFF, reason, 1)
    for what, milliseconds in zip(TIMES, took, strict=True):
        if milliseconds is not None:
            counts.time(what, reason, histograms.rounded(milliseconds))


def _times() -> Iterator[ColumnElement[int]]:
    """Yield how long each of `TIMES` took, in milliseconds."""
    claimed = select(func.min(HandoffMove.at)).where(
        HandoffMove.handoff_id == Handoff.id, HandoffMove.move == MoveKind.CLAIMED
    )
    resolved = case((Handoff.state == HandoffState.RESOLVED, Handoff.closed_at))
    for end in (claimed.scalar_subquery(), Handoff.first_response_at, resolved):
        yield MillisecondsBetween(Handoff.waiting_since, end)

"""What is counted of handoffs, by the UTC day on which they were opened, and agent.

When a handoff is closed, its reason and times are final: a later wait opens another handoff. Times are those of
`bot.store.handoffs.handoff_metrics`, from the requester's first wait, rounded to two significant digits.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.store.figures import histograms
from bot.store.figures.counts import Counted, Counts, Timed
from bot.store.figures.day_counts import Agents, ByDayAndAgent, Span
from bot.store.schema import Handoff, HandoffMove, HandoffState, MoveKind, Ticket
from bot.store.sql.dialects import MillisecondsBetween, UtcDate

TIMES = (Timed.TO_CLAIM, Timed.TO_FIRST_RESPONSE, Timed.TO_RESOLVE)


def counted(
    session: Session,
    closed: Sequence[Span],
    *,
    opened: Span | None = None,
    agents: Agents = None,
    active: bool = False,
) -> ByDayAndAgent:
    """Count the handoffs that were closed in some spans of time.

    Args:
        session: the open transaction.
        closed: when they were closed.
        opened: the whole UTC days on which they were opened; None: any.
        agents: the agents; None: all.
        active: count those that are not closed, too.
    """
    found: ByDayAndAgent = defaultdict(Counts)
    within: list[ColumnElement[bool]] = []
    on_days: list[ColumnElement[bool]] = []
    if opened is not None:
        within = [Handoff.opened_at >= opened.since, Handoff.opened_at < opened.until]
        # No index has the date: else SQLite would read all that were opened then, for the few that were closed.
        opened_on = UtcDate(Handoff.opened_at)
        on_days = [opened_on >= opened.since.date().isoformat(), opened_on < opened.until.date().isoformat()]
    ends = [and_(Handoff.closed_at >= span.since, Handoff.closed_at < span.until, *on_days) for span in closed]
    ends += [and_(Handoff.closed_at.is_(None), *within)] if active else []
    if not ends:
        return found
    query = select(UtcDate(Handoff.opened_at), Ticket.agent, Handoff.reason, *_times())
    query = query.join(Ticket, Ticket.id == Handoff.ticket_id).where(or_(*ends))
    if agents is not None:
        query = query.where(Ticket.agent.in_(agents))
    for day, name, reason, *took in session.execute(query):
        counts = found[day, name]
        counts.count(Counted.HANDOFF, reason, 1)
        for what, milliseconds in zip(TIMES, took, strict=True):
            if milliseconds is not None:
                counts.time(what, reason, histograms.rounded(milliseconds))
    return found


def _times() -> Iterator[ColumnElement[int]]:
    """Yield how long each of `TIMES` took, in milliseconds."""
    claimed = select(func.min(HandoffMove.at)).where(
        HandoffMove.handoff_id == Handoff.id, HandoffMove.move == MoveKind.CLAIMED
    )
    resolved = case((Handoff.state == HandoffState.RESOLVED, Handoff.closed_at))
    for end in (claimed.scalar_subquery(), Handoff.first_response_at, resolved):
        yield MillisecondsBetween(Handoff.waiting_since, end)

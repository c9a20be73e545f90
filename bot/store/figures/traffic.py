"""How many requests an agent had in the last hours, and in the same hours of the weeks before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.store.schema import Ticket

WEEKS = 4
LONGEST = timedelta(days=7)
"A longer silence is looked at as one of a week."


@dataclass(frozen=True, slots=True)
class Silence:
    """The time since the last request of an agent."""

    last: datetime
    "When the last request was made (UTC)."
    since: datetime
    "The same, or the start of the longest silence that is looked at."
    before: Sequence[int]
    "The number of requests in the same hours of each of the weeks before."


def silence(session: Session, agent: str, *, at: datetime) -> Silence | None:
    """Return the silence up to a time, with the same hours of the weeks before; None: the agent never had a request."""
    last = session.scalars(
        select(Ticket.created_at)
        .where(Ticket.agent == agent, Ticket.created_at <= at)
        .order_by(Ticket.created_at.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return None
    since = max(last, at - LONGEST)
    spans = ((since - timedelta(weeks=week), at - timedelta(weeks=week)) for week in range(1, WEEKS + 1))
    return Silence(last, since, [_count(session, agent, *span) for span in spans])


def _count(session: Session, agent: str, since: datetime, until: datetime) -> int:
    within = (Ticket.agent == agent, Ticket.created_at > since, Ticket.created_at <= until)
    return session.scalars(select(func.count()).select_from(Ticket).where(*within)).one()

"""What the clock looks at: handoffs that nobody has, and claims that end. Reading only; the moves are `handoffs`'.

It looks every second, so each question is one or two statements however many handoffs there are, and
reads no more of them than the clock decides by.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, literal_column, or_, select
from sqlalchemy.orm import Session

from bot.store.schema import Departed, Handoff, HandoffMove, Ticket, now

_ACTIVE = Handoff.state.in_([literal_column("'open'"), literal_column("'claimed'")])
"In the very words of the partial index, which a bound value would keep from being used."
_OPEN = and_(_ACTIVE, Handoff.state == "open")
_CLAIMED = and_(_ACTIVE, Handoff.state == "claimed")


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A handoff that nobody has."""

    id: int
    agent: str
    openings: int
    open_since: datetime
    taken: tuple[str, ...]
    "Steps of the ladder, in the order in which they were taken since it is open."


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that ends, or ends soon."""

    id: int
    agent: str
    holder: str
    lease_until: datetime
    left: bool
    "The holder is no member any more."


def unclaimed(session: Session, *, rungs: int) -> list[Unclaimed]:
    """Return handoffs that nobody has and that have taken fewer than so many steps, the longest open first."""
    waits = and_(_OPEN, Handoff.rung < rungs)
    query = (
        select(Handoff.id, Ticket.agent, Handoff.openings, Handoff.open_since, Handoff.rung)
        .join(Ticket, Ticket.id == Handoff.ticket_id)
        .where(waits)
    )
    found = session.execute(query.order_by(Handoff.open_since, Handoff.id)).all()
    begun = select(Handoff.id).where(waits, Handoff.rung > 0)  # not joined: SQLite would read all of the history
    climbed = select(HandoffMove.handoff_id, HandoffMove.detail).where(
        HandoffMove.handoff_id.in_(begun), HandoffMove.move == "climbed"
    )
    steps: dict[int, list[str]] = defaultdict(list)
    for handoff_id, detail in session.execute(climbed.order_by(HandoffMove.id)):
        steps[handoff_id].append(detail["step"])
    return [
        # `rung` is 0 again at each opening, so the last so many are those of this one.
        Unclaimed(number, agent, openings, since, tuple(steps[number][-rung:] if rung else ()))
        for number, agent, openings, since, rung in found
    ]


def ending(session: Session, *, before: datetime) -> list[Claim]:
    """Return claims that end before a moment and whose holder does not know, and those that are over; the next first.

    Over is a claim whose lease is, or whose holder has left.
    """
    at = now()
    soon = and_(Handoff.warned.is_(False), Handoff.lease_until <= before)
    query = (
        select(Handoff.id, Ticket.agent, Handoff.claimed_by, Handoff.lease_until, Departed.user.is_not(None))
        .join(Ticket, Ticket.id == Handoff.ticket_id)
        .outerjoin(Departed, Departed.user == Handoff.claimed_by)
        .where(_CLAIMED, or_(soon, Handoff.lease_until <= at, Departed.user.is_not(None)))
    )
    found = session.execute(query.order_by(Handoff.lease_until, Handoff.id))
    return [Claim(number, agent, str(holder), until or at, bool(left)) for number, agent, holder, until, left in found]


def holders(session: Session) -> Sequence[str]:
    """Return everybody who holds a claim."""
    users = select(Handoff.claimed_by).where(_CLAIMED, Handoff.claimed_by.is_not(None)).distinct()
    return [str(user) for user in session.scalars(users.order_by(Handoff.claimed_by))]

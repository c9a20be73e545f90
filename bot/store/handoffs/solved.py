"""How many requests of a cohort needed no person. Reads only."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.principals import NoRequest
from bot.store.handoffs.handoff_metrics import Cohort
from bot.store.schema import Handoff, Ticket, TicketState


@dataclass(frozen=True, slots=True)
class Requests:
    """Tickets by what became of them."""

    solved: int = 0
    "Resolved without a person, confirmed by the directory, and not contradicted by the requester."
    to_people: int = 0
    "Handed to people at any time, resolved or not."
    unconfirmed: int = 0
    "Neither: answered and not confirmed, or still open."

    @property
    def all(self) -> int:
        """Return the number of all requests."""
        return self.solved + self.to_people + self.unconfirmed


def requests(session: Session, cohort: Cohort) -> Requests:
    """Count the tickets opened in a cohort's window, except those that were withdrawn or refused."""
    handed = select(Handoff.id).where(Handoff.ticket_id == Ticket.id).exists()
    contradicted = Ticket.contradicted_at.is_not(None) & (Ticket.contradicted_at > Ticket.resolved_at)
    solved = (
        (Ticket.state == TicketState.RESOLVED) & Ticket.resolved_at.is_not(None) & ~func.coalesce(contradicted, False)
    )
    within = [Ticket.created_at >= cohort.since, Ticket.created_at < cohort.until]
    within += [] if cohort.agent is None else [Ticket.agent == cohort.agent]
    asked = or_(handed, func.coalesce(Ticket.category, "").not_in(tuple(NoRequest)))
    each = select(handed.label("handed"), solved.label("solved")).where(*within, asked).subquery()
    counts = {
        (bool(by_people), bool(done)): int(number)
        for by_people, done, number in session.execute(
            select(each.c.handed, each.c.solved, func.count()).group_by(each.c.handed, each.c.solved)
        )
    }
    to_people = counts.get((True, True), 0) + counts.get((True, False), 0)
    return Requests(counts.get((False, True), 0), to_people, counts.get((False, False), 0))

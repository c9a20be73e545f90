"""What became of the requests of some days: how many needed no person. Reads only."""

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
    "Resolved, which the directory has confirmed and the requester has not contradicted, and never with a person."
    to_people: int = 0
    "Ever handed to a person, resolved or not."
    unconfirmed: int = 0
    "Neither: answered and not confirmed, or still asked about."

    @property
    def all(self) -> int:
        """Return how many requests there were."""
        return self.solved + self.to_people + self.unconfirmed


def requests(session: Session, cohort: Cohort) -> Requests:
    """Count the tickets opened in a cohort's window, those aside that were withdrawn or refused."""
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

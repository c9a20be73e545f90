"""Whether a request was done before its requester wrote again, so that a thank-you does not reopen it."""

from sqlalchemy import bindparam, select

from bot.principals import NoRequest
from bot.store.db import Session
from bot.store.schema import HandoffState, Ticket, Turn
from bot.store.sql import prebuilt
from bot.store.tickets.turns import Attempt

_PREVIOUS = (
    select(Turn.category, Turn.created_at)
    .where(Turn.ticket_id == bindparam("ticket"), Turn.id < bindparam("turn"))
    .order_by(Turn.id.desc())
    .limit(1)
)


def precedes(session: Session, attempt: Attempt) -> bool:
    """Return whether the request was resolved, closed or taken back right before this turn."""
    earlier = {"ticket": attempt.ticket.id, "turn": attempt.turn_id}
    previous = None if attempt.is_first else prebuilt.rows(session, _PREVIOUS, **earlier).one_or_none()
    if previous is not None and previous.category is not None:
        return True
    last = attempt.last_handoff
    if last is None or last.state not in (HandoffState.RESOLVED, HandoffState.CANCELLED) or last.closed_at is None:
        return False
    return previous is None or last.closed_at >= previous.created_at


def is_final(ticket: Ticket) -> bool:
    """Return whether a ticket that was done was also closed, and does not wait for the directory to confirm it."""
    if ticket.category == NoRequest.WITHDRAWN:
        return True
    contradicted = ticket.contradicted_at
    return ticket.resolved_at is not None and (contradicted is None or contradicted <= ticket.resolved_at)

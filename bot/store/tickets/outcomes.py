"""What the outcome of a turn changes in its ticket. The caller has locked the row (`tickets.lock`)."""

from datetime import datetime

from bot.principals import NoRequest
from bot.store.schema import Ticket, TicketState, now


def bind(ticket: Ticket, account: str | None) -> None:
    """Store which directory account is the requester's; None: there is no single one."""
    ticket.account = account


def turn_away(ticket: Ticket) -> None:
    """Close the ticket of somebody who was not admitted; an earlier category stays."""
    ticket.state, ticket.category = TicketState.RESOLVED, ticket.category or NoRequest.REFUSED


def resolve(ticket: Ticket, category: str, *, closed: bool, written_at: datetime) -> None:
    """Store the category under which the agent resolved a request.

    Args:
        ticket: the locked row.
        category: a category of the agent's card.
        closed: the request counts as solved already; otherwise the ticket stays open until it does.
        written_at: when the requester wrote what is resolved.
    """
    contradict(ticket, written_at)
    ticket.category = category
    if closed:
        ticket.state, ticket.resolved_at = TicketState.RESOLVED, now()


def close(ticket: Ticket) -> None:
    """Close a ticket that was already done before its requester wrote again."""
    ticket.state = TicketState.RESOLVED


def contradict(ticket: Ticket, written_at: datetime) -> None:
    """Note that the last resolution, if there was one, did not last, and when its requester first wrote so."""
    resolved, known = ticket.resolved_at, ticket.contradicted_at
    if resolved is not None and (known is None or known <= resolved):
        ticket.contradicted_at = written_at

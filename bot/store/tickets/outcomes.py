"""What the outcome of a turn changes in its ticket. The caller has locked the row (`tickets.lock`)."""

from bot.principals import NoRequest
from bot.store.schema import Ticket, TicketState, now


def bind(ticket: Ticket, account: str | None) -> None:
    """Store which directory account is the requester's; None: there is no single one."""
    ticket.account = account


def turn_away(ticket: Ticket) -> None:
    """Close the ticket of somebody who was not admitted; an earlier category stays."""
    ticket.state, ticket.category = TicketState.RESOLVED, ticket.category or NoRequest.REFUSED


def resolve(ticket: Ticket, category: str, *, closed: bool) -> None:
    """Store the category under which the agent resolved a request.

    Args:
        ticket: the locked row.
        category: a category of the agent's card.
        closed: the request counts as solved already; otherwise the ticket stays open until it does.
    """
    contradict(ticket)
    ticket.category = category
    if closed:
        ticket.state, ticket.resolved_at = TicketState.RESOLVED, now()


def close(ticket: Ticket) -> None:
    """Close a ticket that was already done before its requester wrote again."""
    ticket.state = TicketState.RESOLVED


def contradict(ticket: Ticket) -> None:
    """Note that an earlier resolution, if there was one, did not last."""
    if ticket.resolved_at is not None:
        ticket.contradicted_at = now()

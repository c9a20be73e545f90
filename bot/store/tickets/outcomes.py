"""What the outcome of a turn makes of its ticket. The caller has locked the row (`tickets.lock`)."""

from bot.principals import NoRequest
from bot.store.schema import Ticket, TicketState, now


def bind(ticket: Ticket, account: str | None) -> None:
    """Write down which account of the directory is the requester's; None: no one account is."""
    ticket.account = account


def turn_away(ticket: Ticket) -> None:
    """Close the ticket of somebody who may not ask; what was solved before stays what it was."""
    ticket.state, ticket.category = TicketState.RESOLVED, ticket.category or NoRequest.REFUSED


def resolve(ticket: Ticket, category: str, *, closed: bool) -> None:
    """Write down what the agent has resolved a request as.

    Args:
        ticket: locked.
        category: one of its card.
        closed: it counts as solved already; else the ticket stays open until it does.
    """
    contradict(ticket)
    ticket.category = category
    if closed:
        ticket.state, ticket.resolved_at = TicketState.RESOLVED, now()


def close(ticket: Ticket) -> None:
    """Close a ticket that was done with before its requester wrote again."""
    ticket.state = TicketState.RESOLVED


def contradict(ticket: Ticket) -> None:
    """Note that an earlier resolution did not last, if there was one."""
    if ticket.resolved_at is not None:
        ticket.contradicted_at = now()

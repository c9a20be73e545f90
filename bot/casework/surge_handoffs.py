"""The moves of a surge's handoffs, each with what is said of it: the parent counts up, is passed on, and is over.

Invariant: what people have claimed stays with them; what nobody has claimed goes back to the agent once the directory
answers again, in one move, so that a claim at that moment wins or loses whole.
"""

from datetime import datetime

from bot.agent.card import Agent
from bot.casework import handoffs as casework
from bot.principals import Reason
from bot.slack.handoffs import handoff_messages
from bot.store.db import Session
from bot.store.handoffs import handoffs, unblocked
from bot.store.handoffs.moves import Moved
from bot.store.schema import FollowerState, HandoffState, Surge, TicketState
from bot.store.tickets import followers, shares, surges, tickets, turns

PASSED_ON = "Several people have the same problem; the request with which people had it was withdrawn."


def count(session: Session, parent_id: int, surge_id: int, *, shown_before: datetime) -> None:
    """Show on the parent's card how many people are affected, if that has changed since it was last shown.

    Args:
        session: the open write transaction.
        parent_id: the parent's ticket.
        surge_id: the surge.
        shown_before: the card is left as it is if it was shown later.
    """
    ticket = tickets.lock(session, parent_id)
    handoff = surges.count_again(session, surge_id, shown_before=shown_before)
    if handoff is not None and handoff.ticket_id == ticket.id:
        handoff_messages.show_card(session, handoff, ticket)


def pass_on(session: Session, ticket_id: int, surge_id: int, agent: Agent) -> bool:
    """Hand off the ticket of a follower as the new parent of a surge; return False if it no longer waits."""
    ticket = tickets.lock(session, ticket_id)
    surge = surges.find(session, surge_id)
    waits = ticket.surge_id == surge_id and ticket.following is FollowerState.WAITING
    if surge is None or surge.over_at is not None or not waits or ticket.state is not TicketState.OPEN:
        return False
    stopped = turns.stop(session, ticket_id)
    handoff = casework.open_for(
        session,
        ticket,
        agent,
        reason=Reason(surge.reason),
        summary=PASSED_ON,
        actor=surges.CLOCK,
        turn_id=stopped,
    )
    surges.new_parent(session, surge_id, handoff, ticket)
    handoff_messages.show_card(session, handoff, ticket)
    return True


def over(session: Session, handoff_id: int, surge: Surge, agent: Agent) -> int | None:
    """Let the agent go on with a handoff of a surge that is over, or tell its holder; return the turn to queue."""
    found = handoffs.find(session, handoff_id)
    if found is None:
        raise ValueError(f"there is no handoff {handoff_id}")
    _, ticket = found
    shares.lock(session, ticket.team, ticket.requester)
    moved = unblocked.after_surge(session, handoff_id, surge_id=surge.id, at_once=agent.card.per_person.turns)
    if isinstance(moved, Moved):
        handoff_messages.went_on_after_surge(session, moved)
        return moved.turn_id
    ticket = tickets.lock(session, ticket.id)
    handoff = handoffs.read_again(session, handoff_id)
    if handoff.state is HandoffState.CLAIMED:
        handoff_messages.surge_over(session, handoff)
    followers.leave(session, ticket, why="claimed", surge_id=surge.id)
    return None

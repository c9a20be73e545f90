"""What people are told after second factors were reset: the manager at once, responders if a sign-in is odd."""

from bot.agent.card import Agent
from bot.casework import handoffs as casework
from bot.principals import Reason
from bot.slack.approvals import approval_messages
from bot.slack.handoffs import linked_threads, queue_notes
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.schema import Approval, HandoffContext, MessageKind
from bot.store.tickets import tickets, turns

ACTOR = "clock"


def told(session: Session, approval: Approval, manager: str) -> None:
    """Tell a requester's manager in Slack that a second factor was reset."""
    approval_messages.tell_manager(session, approval, manager)


def found(session: Session, approval: Approval, agent: Agent, evidence: str) -> int | None:
    """Tell an agent's people of an odd sign-in: by a handoff, or in the thread of the one that they have.

    Args:
        session: the open write transaction.
        approval: what was approved, and used.
        agent: the agent that made the change.
        evidence: what is odd, in a sentence; it may hold a directory's words.

    Returns:
        The turn that this has stopped, if one was under way.
    """
    ticket = tickets.lock(session, approval.ticket_id)
    handoff = handoffs.active(session, ticket.id)
    if handoff is not None:
        key, body = f"takeover:approval:{approval.id}", queue_notes.possible_takeover(evidence)
        linked_threads.below(session, handoff, key=key, kind=MessageKind.MOVE, bodies=[body])
        return None
    stopped = turns.stop(session, ticket.id)
    casework.open_for(
        session,
        ticket,
        agent,
        reason=Reason.OUT_OF_POLICY,
        summary=f"Possible takeover: the second factors of this account were reset. {evidence}",
        actor=ACTOR,
        turn_id=stopped,
        known=HandoffContext(link=approval.link, withheld=approval.withheld),
    )
    return stopped

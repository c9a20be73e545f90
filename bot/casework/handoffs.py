"""A ticket goes to people: the handoff is opened, and everybody is told of it."""

from dataclasses import replace

from bot.agent.card import Agent
from bot.agent.context import context_of
from bot.principals import Reason
from bot.slack.handoffs import handoff_messages
from bot.slack.requesters.replies import Occasion
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.schema import Handoff, HandoffContext, Ticket, now


def open_for(
    session: Session,
    ticket: Ticket,
    agent: Agent,
    *,
    reason: Reason,
    summary: str,
    actor: str,
    turn_id: int | None = None,
    known: HandoffContext | None = None,
    occasion: Occasion = "usual",
) -> Handoff:
    """Give a ticket to an agent's people.

    Args:
        session: a transaction that has locked the ticket and ended the turn that was under way.
        ticket: the ticket, which has no open handoff.
        agent: whose people get it.
        reason: why.
        summary: why, in words for the card.
        actor: who has opened it.
        turn_id: the turn that ended with it, if one did.
        known: what the card shows beside what the rows tell: the link to the requester's thread, and if the words are
            withheld from the queue channel, since they were said in private and others read there.
        occasion: how it came to that, as the requester is told.
    """
    people = agent.card.handoff
    known = replace(known or HandoffContext(), of_account=bool(agent.card.needs_account))
    handoff = handoffs.open_for(
        session,
        ticket.id,
        turn_id=turn_id,
        reason=reason,
        summary=summary,
        context=context_of(session, ticket.id, turn_id=turn_id, known=known),
        queue_channel=people.queue_channel,
        actor=actor,
    )
    expected, opens_at = people.expected_minutes, people.opens_at(now())
    handoff_messages.opened(session, handoff, ticket, expected_minutes=expected, occasion=occasion, opens_at=opens_at)
    return handoff

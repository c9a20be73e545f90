"""A responder who answers in the agent's thread before a person was called in takes the ticket over.

The agent's turn ends before its next tool call, without an answer. The responder's message is part of the conversation
even when there is nothing to take over because the agent has closed the ticket.
"""

from bot import rights
from bot.agent.card import Agent
from bot.casework import answers
from bot.casework import handoffs as casework
from bot.casework.context import NOTHING, FollowUp, only
from bot.principals import Reason
from bot.rights import Actor
from bot.slack.handoffs import denials
from bot.store.db import Session
from bot.store.handoffs import handoffs, responses
from bot.store.schema import Ticket, TicketState
from bot.store.tickets import overheard, tickets, turns
from bot.store.tickets.tickets import Heard

SUMMARY = "A responder has answered in the agent's thread before anyone was called."


def steps_in(session: Session, ticket: Ticket, heard: Heard, agent: Agent, who: Actor) -> FollowUp:
    """Give a responder the ticket in whose thread they write, and store their message."""
    ticket = tickets.lock(session, ticket.id)
    handoff, stopped = handoffs.active(session, ticket.id), None
    if overheard.forget(session, heard.channel, heard.ts):
        return NOTHING  # Slack has delivered it before
    if handoff is None:
        why = rights.barred_from(agent, who)
        if why is not None:
            return only(session, heard, ticket.id, f"This was not passed on. {denials.in_words(why)}")
        if ticket.state is not TicketState.OPEN:
            responses.answered(session, ticket, answers.redacted(heard))
            return NOTHING
        stopped = turns.stop(session, ticket.id)
        handoff = casework.open_for(
            session, ticket, agent, reason=Reason.TAKEN_OVER, summary=SUMMARY, actor=heard.user, turn_id=stopped
        )
    follow_up = answers.in_their_thread(session, handoff, ticket, heard, agent, who)
    return FollowUp(say_in=follow_up.say_in, stopped=stopped)

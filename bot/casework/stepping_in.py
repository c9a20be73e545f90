"""A responder who answers in the agent's thread before anyone was called: they have the ticket from then on.

The agent's turn ends without an answer, before its next tool, and it says nothing beside them. What they say is part of
the conversation, also where there is nothing to take over since the agent has closed the ticket.
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
    """Let a responder have the ticket in whose thread they write, and keep what they say."""
    ticket = tickets.lock(session, ticket.id)
    handoff, stopped = handoffs.active(session, ticket.id), None
    if overheard.forget(session, heard.channel, heard.ts):
        return NOTHING  # known: Slack delivered it again
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
    owed = answers.in_their_thread(session, handoff, ticket, heard, agent, who)
    return FollowUp(say_in=owed.say_in, stopped=stopped)

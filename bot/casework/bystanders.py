"""Others in a requester's thread: a responder who answers there, people who talk, and the author of its first message.

When the agent is called into a thread, messages of others are stored until a worker has read the thread
(`jobs.joined_threads`): one of them may turn out to be its requester.
"""

from bot import rights
from bot.agent.card import Agent
from bot.casework import answers, limit_notices, stepping_in
from bot.casework.context import NOTHING, FollowUp
from bot.rights import Actor
from bot.slack.sentences import say, spoken_by
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.schema import Ticket
from bot.store.tickets import overheard, shares, threads, tickets
from bot.store.tickets.tickets import Heard


def hear(
    session: Session, ticket: Ticket, heard: Heard, agent: Agent | None, who: Actor, *, mentioned: bool, aside: bool
) -> FollowUp | None:
    """Hear somebody who is not the requester; return None when they have just become the requester.

    Args:
        session: the open write transaction.
        ticket: the ticket of the thread.
        heard: their message.
        agent: the agent that answers for the ticket; None when it is gone.
        who: what is known of them now.
        mentioned: whether the message calls the bot.
        aside: whether it speaks to somebody else than the requester.
    """
    unread = threads.is_unread(session, ticket)
    if unread:
        shares.lock(session, heard.team, heard.user)
        ticket = tickets.lock(session, ticket.id)
        unread = threads.is_unread(session, ticket)
    tickets.read_again(session, ticket)
    if ticket.requester == heard.user:
        return None
    answers_them = not aside and (handoffs.active(session, ticket.id) is not None or not mentioned)
    if answers_them and agent is not None and heard.user in rights.people(agent):
        return stepping_in.steps_in(session, ticket, heard, agent, who)
    if unread:
        return overhear(session, heard, ticket, aside=aside)
    return turned_away(session, ticket, heard) if mentioned else NOTHING


def overhear(session: Session, heard: Heard, ticket: Ticket, *, aside: bool = True) -> FollowUp:
    """Store a message that asks nothing of the agent: a requester's to a colleague, or another person's."""
    shares.lock(session, heard.team, heard.user)
    overheard.keep(session, ticket, answers.redacted(heard), detail={overheard.ASIDE: True} if aside else {})
    return NOTHING


def turned_away(session: Session, ticket: Ticket, heard: Heard) -> FollowUp:
    """Tell only the person who calls the bot in another's thread whose thread it is."""
    text = say("where.bystander", spoken_by(session, heard.user), who=f"<@{ticket.requester}>")
    limit_notices.once(session, heard, f"bystander:{ticket.id}", text, ticket)
    return FollowUp(say_in=ticket.id)

"""Others in a requester's thread: a responder who answers there, people who talk, and who began a thread.

What is said in a thread that the agent was called into is kept until a worker has read it (`jobs.joined_threads`): it
may be said by the one whose request it is.
"""

from bot import rights
from bot.agent.card import Agent
from bot.casework import answers, excesses, stepping_in
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
    """Hear somebody who is not the requester; return None where the request has been made theirs this very moment.

    Args:
        session: the open write transaction.
        ticket: whose thread it is.
        heard: what they say.
        agent: who answers for the ticket; None for one that is gone.
        who: they, as far as Slack tells now.
        mentioned: they call the bot.
        aside: they speak to somebody else than the requester.
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
    """Keep what asks nothing of the agent: what a requester says to a colleague, what others say before it is read."""
    shares.lock(session, heard.team, heard.user)
    overheard.keep(session, ticket, answers.redacted(heard), detail={overheard.ASIDE: True} if aside else {})
    return NOTHING


def turned_away(session: Session, ticket: Ticket, heard: Heard) -> FollowUp:
    """Tell somebody alone whose thread it is that they call the bot in."""
    says = say("where.bystander", spoken_by(session, heard.user), who=f"<@{ticket.requester}>")
    excesses.once(session, heard, f"bystander:{ticket.id}", says, ticket)
    return FollowUp(say_in=ticket.id)

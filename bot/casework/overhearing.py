"""Messages at the top level of a help channel without a mention, and a person's second message there.

A clear request is heard as if it mentioned the agent. For a possible one, only its writer gets a question with a
button, and the message is stored only if they press it. While a person has an open request in the channel, another
one is added to it, and they are told where. What people say to each other is left alone.
"""

from bot import rights
from bot.agent.card import Agent
from bot.casework import pleas
from bot.casework.context import ANYWHERE, NOTHING, FollowUp, HearingContext
from bot.casework.pleas import PleaVerdict
from bot.slack.outbox import offers
from bot.slack.sentences import spoken_by
from bot.store.db import Session
from bot.store.outbox import hints
from bot.store.schema import MessageKind, Ticket, TicketState
from bot.store.tickets import shares, threads
from bot.store.tickets.tickets import Heard


def judge(ctx: HearingContext, heard: Heard, marked: str) -> PleaVerdict:
    """Judge what a message without a mention is to the agent of its channel; no transaction may be open.

    Args:
        ctx: gives the agents.
        heard: the message; a direct message always asks.
        marked: its text with Slack's markup for mentions and links.
    """
    if heard.private:
        return PleaVerdict.ASKS
    if heard.thread_ts is not None:
        return PleaVerdict.TALK
    return of_channel(ctx, heard.channel, marked or heard.text)


def of_channel(ctx: HearingContext, channel: str, text: str) -> PleaVerdict:
    """Judge what a text at the top level of a channel is to the agent that helps there."""
    agent = None if ctx.agent_of_queue(channel) is not None else ctx.agent_in(channel, private=False)
    if agent is None or agent.card.mention == "required":
        return PleaVerdict.TALK
    return pleas.judge(text, agent.words)


def open_request(ctx: HearingContext, session: Session, heard: Heard, *, of: Agent | None = None) -> Ticket | None:
    """Return the open request that a top-level message of its requester belongs to, if an agent answers for it.

    Args:
        ctx: gives the agents.
        session: a transaction that has locked the person, so that their other messages wait.
        heard: the message.
        of: the only agent whose requests count; None for any agent.
    """
    if heard.thread_ts is not None:
        return None
    if heard.private:
        names = None if of is None else (of.card.name, *of.card.inherits)
        ticket = threads.direct(session, heard.channel, heard.user, agents=names)
    else:
        ticket = threads.open_request(session, heard.channel, heard.user)
    return None if ticket is None or ctx.answering(ticket.agent) is None else ticket


def goes_on(ctx: HearingContext, session: Session, heard: Heard, verdict: PleaVerdict) -> bool:
    """Return whether a message belongs to an open request of its writer, whom it locks before it is sure."""
    if verdict is PleaVerdict.RELATED and open_request(ctx, session, heard) is None:
        return False
    shares.lock(session, heard.team, heard.user)
    return open_request(ctx, session, heard) is not None


def added(session: Session, agent: Agent, ticket: Ticket, heard: Heard) -> bool:
    """Tell a person that their top-level message was added to their open request, and where that is.

    Returns:
        False when nothing is told: in a thread, in a direct conversation, or when they were told often enough.
    """
    if heard.private or heard.thread_ts is not None:
        return False
    language, to_people = spoken_by(session, heard.user), ticket.state is TicketState.HANDED_OFF
    body = offers.added(ticket.channel, ticket.thread_ts, language, to_people=to_people)
    most = agent.card.per_person.tickets_an_hour
    return hints.add(session, heard, body, what=MessageKind.ADDED, most=most, ticket_id=ticket.id)


def offer(session: Session, agent: Agent, heard: Heard) -> FollowUp:
    """Ask a person in private whether their message is for the agent; responders know how to call it."""
    if heard.user in rights.people(agent):
        return NOTHING
    most = agent.card.per_person.tickets_an_hour
    body = offers.offer(heard.ts, spoken_by(session, heard.user))
    made = hints.add(session, heard, body, what=MessageKind.OFFER, most=most)
    return FollowUp(say_in=ANYWHERE) if made else NOTHING

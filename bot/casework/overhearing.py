"""What is said at the top level of a help channel without a mention, and a second message of the same person there.

A request is heard as if it mentioned the agent. Of what may be one its writer alone is asked, once, with a button;
nothing that they wrote is kept unless they press it. While a request of theirs is open in that channel, another one
is added to it, and they are told where. What people say to each other is left alone.
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
    """Say what a message without a mention is to the agent of its channel; no transaction is open meanwhile.

    Args:
        ctx: the house.
        heard: the message; what is said directly is said to the agent.
        marked: its text as Slack has it, with its marks for mentions and links.
    """
    if heard.private:
        return PleaVerdict.ASKS
    if heard.thread_ts is not None:
        return PleaVerdict.TALK
    return of_channel(ctx, heard.channel, marked or heard.text)


def of_channel(ctx: HearingContext, channel: str, text: str) -> PleaVerdict:
    """Say what is said at the top level of a channel to the agent that helps there."""
    agent = None if ctx.agent_of_queue(channel) is not None else ctx.agent_in(channel, private=False)
    if agent is None or agent.card.mention == "required":
        return PleaVerdict.TALK
    return pleas.judge(text, agent.words)


def open_request(ctx: HearingContext, session: Session, heard: Heard, *, of: Agent | None = None) -> Ticket | None:
    """Return the open request that another top-level message of its requester belongs to, if someone answers for it.

    Args:
        ctx: the house.
        session: a transaction that has locked the person: what they write at the same moment waits for it.
        heard: the message.
        of: only a request of this agent's counts; None: of any.
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
    """Return whether a message belongs to a request that its writer has open; if it may, the person is locked."""
    if verdict is PleaVerdict.RELATED and open_request(ctx, session, heard) is None:
        return False
    shares.lock(session, heard.team, heard.user)
    return open_request(ctx, session, heard) is not None


def added(session: Session, agent: Agent, ticket: Ticket, heard: Heard) -> bool:
    """Tell somebody where their open request is that a message at the top level of a channel was added to.

    Returns:
        False where there is nothing to tell: in a thread, in a direct conversation, and when they were told often.
    """
    if heard.private or heard.thread_ts is not None:
        return False
    language, to_people = spoken_by(session, heard.user), ticket.state is TicketState.HANDED_OFF
    body = offers.added(ticket.channel, ticket.thread_ts, language, to_people=to_people)
    most = agent.card.per_person.tickets_an_hour
    return hints.add(session, heard, body, what=MessageKind.ADDED, most=most, ticket_id=ticket.id)


def offer(session: Session, agent: Agent, heard: Heard) -> FollowUp:
    """Ask somebody in private if their message is for the agent; responders know how to call it."""
    if heard.user in rights.people(agent):
        return NOTHING
    most = agent.card.per_person.tickets_an_hour
    body = offers.offer(heard.ts, spoken_by(session, heard.user))
    made = hints.add(session, heard, body, what=MessageKind.OFFER, most=most)
    return FollowUp(say_in=ANYWHERE) if made else NOTHING

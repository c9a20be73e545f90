"""Asks which agent a direct message is for, where several hear them; the order of the folders never decides.

Each message is stored when it comes, and several in a row get one question. A press gives all of them to the chosen
agent in one transaction, so a second press finds nothing left. A message to an open request goes there without a
question.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from bot.agent.card import Agent
from bot.agent.thanks import Tone, tone_of
from bot.casework import answers, limit_notices, overhearing
from bot.casework.context import ANYWHERE, NOTHING, FollowUp, HearingContext
from bot.slack.requesters import choices
from bot.slack.sentences import spoken_by
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import MessageKind, Ticket, TicketState, now
from bot.store.tickets import shares, ticket_messages, unassigned
from bot.store.tickets.shares import Excess, ShareBounds
from bot.store.tickets.tickets import Heard

ASKED_FOR = timedelta(hours=1)
"For this long, later messages wait for the answer to one question; then it is asked again."
FromRequester = Callable[[HearingContext, Session, Heard, Ticket | None, Agent], FollowUp]
"(ctx, session, message, its ticket, agent) -> the follow-up: hears a message for one agent."


def hear(
    ctx: HearingContext, session: Session, heard: Heard, agents: Mapping[str, Agent], hears: FromRequester
) -> FollowUp:
    """Hear a direct message that several agents could answer: add it to its open request, or ask which agent it is for.

    Args:
        ctx: where to store and queue.
        session: the open write transaction.
        heard: the message.
        agents: the agents that hear direct messages, by name.
        hears: hears the message for one agent.
    """
    shares.lock(session, heard.team, heard.user)
    if ticket_messages.is_heard(session, heard.channel, heard.ts):
        return NOTHING  # Slack has delivered it before
    ticket = overhearing.open_request(ctx, session, heard)
    agent = None if ticket is None else ctx.answering(ticket.agent)
    if ticket is not None and agent is not None and _goes_on(ticket, heard):
        return hears(ctx, session, heard, None, agent)
    before = unassigned.of(session, heard.channel, heard.user)
    bounds = min((ShareBounds(**one.card.per_person.model_dump()) for one in agents.values()), key=_messages)
    if len(before) >= bounds.messages_an_hour:
        return FollowUp(say_in=limit_notices.refused(session, heard, None, Excess.MESSAGES, bounds))
    if not unassigned.keep(session, answers.redacted(heard)):
        return NOTHING  # it was stored under another id
    if before and now() - before[-1].received_at < ASKED_FOR:
        return NOTHING  # the question is still open
    messages.add(
        session,
        key=choices.key(heard.channel, heard.ts),
        kind=MessageKind.CHOICE,
        lane=f"choice:{heard.channel}",
        channel=heard.channel,
        thread_ts=heard.thread_ts or heard.ts,
        body=choices.which({name: one.card.purpose for name, one in agents.items()}, spoken_by(session, heard.user)),
    )
    return FollowUp(say_in=ANYWHERE)


def _goes_on(ticket: Ticket, heard: Heard) -> bool:
    """Return whether a message clearly belongs to the last request; after an answer, only thanks do."""
    is_answered = ticket.state is TicketState.RESOLVED or (
        ticket.state is TicketState.OPEN and ticket.category is not None
    )
    return not is_answered or tone_of(heard.text) is Tone.THANKS


def _messages(bounds: ShareBounds) -> int:
    return bounds.messages_an_hour

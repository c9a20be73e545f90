"""What is said at the top level of a help channel without a mention, and a second message of the same person there.

A request is heard as if it mentioned the agent. Of what may be one its writer alone is asked, once, with a button;
nothing that they wrote is kept unless they press it. While a request of theirs is open in that channel, another one
is added to it, and they are told where. What people say to each other is left alone.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from bot import rights
from bot.agent.card import Agent
from bot.listeners import buttons, pleas
from bot.listeners.answers import NOTHING
from bot.listeners.context import FollowUp, ListenerContext
from bot.listeners.pleas import PleaVerdict
from bot.queue import ANSWER_COMMAND
from bot.slack.outbox import offers
from bot.slack.sentences import say, spoken_by
from bot.store.db import Session
from bot.store.outbox import hints
from bot.store.schema import Ticket, TicketState, now
from bot.store.tickets import inbox, shares, threads
from bot.store.tickets.inbox import InboxCommand
from bot.store.tickets.tickets import Heard

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncAck, AsyncApp


MENDED_SECONDS = 600.0
"How long after it was said an edit may make a message a request."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listener of the button below an offer."""

    @app.action(offers.LOOK)
    async def on_press(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_press, ctx, body)
        await ack()


def judge(ctx: ListenerContext, message: dict[str, Any], heard: Heard) -> PleaVerdict:
    """Say what a message without a mention is to the agent of its channel; no transaction is open meanwhile.

    Args:
        ctx: the house.
        message: as Slack delivers it, with its marks for mentions and links.
        heard: the same as it is heard; what is said directly is said to the agent.
    """
    if heard.private:
        return PleaVerdict.ASKS
    if heard.thread_ts is not None:
        return PleaVerdict.TALK
    return of_channel(ctx, heard.channel, message.get("text") or heard.text)


def of_channel(ctx: ListenerContext, channel: str, text: str) -> PleaVerdict:
    """Say what is said at the top level of a channel to the agent that helps there."""
    agent = None if ctx.agent_of_queue(channel) is not None else ctx.agent_in(channel, private=False)
    if agent is None or agent.card.mention == "required":
        return PleaVerdict.TALK
    return pleas.judge(text, agent.words)


def open_request(ctx: ListenerContext, session: Session, heard: Heard, *, of: Agent | None = None) -> Ticket | None:
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
        ticket = threads.asked(session, heard.channel, heard.user)
    return None if ticket is None or ctx.answering(ticket.agent) is None else ticket


def goes_on(ctx: ListenerContext, session: Session, heard: Heard, verdict: PleaVerdict) -> bool:
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
    return hints.add(session, heard, body, what="added", most=most, ticket_id=ticket.id)


def reworded(event: dict[str, Any]) -> dict[str, Any]:
    """Return an edited message as if it had just been said so; empty when it is old, or says what it said before.

    What became a request by an edit that mends a slip is one. Slack tells of an edit when it adds a preview, too.
    """
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    if event["subtype"] != "message_changed" or message.get("text") == before.get("text"):
        return {}
    if not offers.is_ts(message.get("ts")) or now().timestamp() - float(message["ts"]) > MENDED_SECONDS:
        return {}
    return {**message, "channel": event["channel"], "channel_type": event.get("channel_type")}


def offer(session: Session, agent: Agent, heard: Heard) -> FollowUp:
    """Ask somebody in private if their message is for the agent; responders know how to call it."""
    if heard.user in rights.people(agent):
        return NOTHING
    most = agent.card.per_person.tickets_an_hour
    body = offers.offer(heard.ts, spoken_by(session, heard.user))
    made = hints.add(session, heard, body, what="offer", most=most)
    return FollowUp(say_in=0) if made else NOTHING


def _press(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Keep the wish that a message be looked at; a job reads it as it is now."""
    press = buttons.read(ctx, body)
    ts = press.value
    asked = InboxCommand(
        event_id=f"plea:{press.channel}:{ts}:{press.user}",
        kind="plea",
        team=buttons.workspace(body),
        channel=str(press.channel),
        user=press.user,
        text="",
        detail={"ts": ts, "response_url": buttons.answered_at(ctx, body)},
    )
    with ctx.database.write() as session:
        if press.channel is None or not offers.is_ts(ts):
            buttons.tell(session, press, say("press.out_of_date", spoken_by(session, press.user)), None)
            event_id = None
        else:
            event_id = inbox.accept(session, asked)
    if event_id is not None:
        ctx.put(ANSWER_COMMAND, event_id)
    else:
        ctx.deliver(buttons.ANYWHERE)

"""The buttons with which a person chooses an agent for their direct message, where several agents hear them."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot.agent.card import Agent
from bot.casework import hearing
from bot.casework.context import ANYWHERE, FollowUp
from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.queue import RUN_TURN
from bot.slack.requesters import choices
from bot.slack.sentences import say, spoken_by
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.tickets import shares, threads, unassigned
from bot.store.tickets.tickets import Heard

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listener of the buttons."""

    @app.action(choices.CHOOSE)
    async def on_press(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_press, ctx, body)
        await ack()


def _press(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Give a person's unassigned messages to the agent that they have chosen; commit first, queue second."""
    press = buttons.read(ctx, body)
    agent, channel = ctx.directly().get(str(press.value)), str(press.channel)
    with ctx.database.write() as session:
        language, waiting = spoken_by(session, press.user), unassigned.of(session, channel, press.user)
        for team in dict.fromkeys(row.team for row in waiting):
            shares.lock(session, team, press.user)
        taken = unassigned.take(session, channel, press.user) if agent is not None else ()
        follow_ups = [] if agent is None else [_give(ctx, session, one, agent) for one in taken]
        asked = messages.by_ts(session, channel, str(press.message_ts))
        if agent is None or asked is None or not asked.key.startswith(choices.key(channel, "")):
            buttons.tell(session, press, say("press.out_of_date", language), None)
        elif taken:
            messages.revise(session, asked.key, choices.chosen(agent.card.name, language))
        else:
            buttons.tell(session, press, say("choice.gone", language), None)
    for turn_id in dict.fromkeys(one.turn_id for one in follow_ups if one.turn_id is not None):
        ctx.put(RUN_TURN, turn_id)
    for ticket_id in dict.fromkeys((*(one.say_in for one in follow_ups), ANYWHERE)):
        ctx.deliver(ticket_id)


def _give(ctx: ListenerContext, session: Session, heard: Heard, agent: Agent) -> FollowUp:
    ticket = None if heard.thread_ts is None else threads.ticket_at(session, heard.channel, heard.thread_ts)
    return hearing.to_chosen(ctx, session, heard, ticket, agent)

"""The button with which a requester says that their problem is not the one that many have."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot import rights
from bot.casework import surge_followers
from bot.casework.context import ANYWHERE, actor
from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.queue import RUN_TURN
from bot.slack.requesters import surge_messages
from bot.slack.sentences import say, spoken_by
from bot.store.tickets import shares, tickets

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listener of the button."""

    @app.action(surge_messages.DIFFERENT)
    async def on_press(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_press, ctx, body)
        await ack()


def _press(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Give the agent the ticket of the person who pressed, if it is theirs; commit first, queue second."""
    press = buttons.read(ctx, body)
    number, turn_id = buttons.number(press.value), None
    with ctx.database.write() as session:
        ticket = None if number is None else tickets.find(session, number)
        agent = None if ticket is None else ctx.answering(ticket.agent)
        language = spoken_by(session, press.user)
        if ticket is None or agent is None:
            buttons.tell(session, press, say("press.out_of_date", language), None)
        else:
            shares.lock(session, ticket.team, ticket.requester)
            why = rights.barred_from_own(actor(session, press.user, press.membership), ticket.requester)
            if why is not None:
                buttons.tell(session, press, buttons.not_theirs(why, "say", ticket, language), ticket.id)
            else:
                waited, turn_id = surge_followers.different(session, agent, ticket.id)
                if not waited:
                    buttons.tell(session, press, say("press.waits_no_longer", language), ticket.id)
    if turn_id is not None:
        ctx.put(RUN_TURN, turn_id)
    ctx.deliver(ANYWHERE if ticket is None else ticket.id)

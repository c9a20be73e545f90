"""The button with which an owner confirms what they asked of `/agent-eval`; stored and queued here, done by a job.

The button names the command that it confirms. Only the author of the command may press it, and it counts once.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from bot.casework.context import ANYWHERE
from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.queue import ANSWER_COMMAND
from bot.slack.reports import eval_question
from bot.store.tickets import inbox_commands

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

OUT_OF_DATE = "That button is out of date, or somebody else's. Ask `/agent-eval` again."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listener of the button."""

    @app.action(eval_question.SURE)
    async def on_sure(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_confirm, ctx, body)
        await ack()


def _confirm(ctx: ListenerContext, body: dict[str, Any]) -> None:
    press, url = buttons.read(ctx, body), buttons.answered_at(ctx, body)
    number = buttons.number(press.value)
    with ctx.database.write() as session:
        asked = None if number is None else inbox_commands.question(session, number, user=press.user)
        event_id = None if asked is None else inbox_commands.confirm(session, asked, response_url=url)
        if asked is None:
            buttons.tell(session, press, OUT_OF_DATE, None)
    if event_id is not None:
        ctx.put(ANSWER_COMMAND, event_id)
    elif asked is None:
        ctx.deliver(ANYWHERE)

"""Messages in a help channel without a mention: the button that calls the agent, and edits that correct a message.

`bot.casework.overhearing` decides what becomes of them.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from bot.casework.context import ANYWHERE
from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.queue import ANSWER_COMMAND
from bot.slack.outbox import offers
from bot.slack.sentences import say, spoken_by
from bot.store.schema import InboxKind, now
from bot.store.tickets import inbox_commands
from bot.store.tickets.inbox_commands import InboxCommand

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp


CORRECTION_SECONDS = 600.0
"How old a message may be when an edit makes it a request."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listener of the button below an offer."""

    @app.action(offers.LOOK)
    async def on_press(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_press, ctx, body)
        await ack()


def reworded(event: dict[str, Any]) -> dict[str, Any]:
    """Return an edited message as if it were new; empty when the message is old, or its text has not changed.

    An edit that corrects a message can make it a request. Slack also sends an edit when it only adds a preview.
    """
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    if event["subtype"] != "message_changed" or message.get("text") == before.get("text"):
        return {}
    if not offers.is_ts(message.get("ts")) or now().timestamp() - float(message["ts"]) > CORRECTION_SECONDS:
        return {}
    return {**message, "channel": event["channel"], "channel_type": event.get("channel_type")}


def _press(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Store that the agent is to look at a message; a job reads the message as it is then."""
    press = buttons.read(ctx, body)
    ts = press.value
    command = InboxCommand(
        event_id=f"plea:{press.channel}:{ts}:{press.user}",
        kind=InboxKind.PLEA,
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
            event_id = inbox_commands.accept(session, command)
    if event_id is not None:
        ctx.put(ANSWER_COMMAND, event_id)
    else:
        ctx.deliver(ANYWHERE)

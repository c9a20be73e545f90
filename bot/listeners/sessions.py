"""Slack's stop button: the turn ends without an answer, at once."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.listeners.door import Door
from bot.slack import handoff_messages, replies
from bot.store import messages, tickets, turns


def register(app: AsyncApp, door: Door) -> None:
    """Attach the listener of the stop button."""

    @app.event("agent_session_stopped")
    async def on_stop(body: dict[str, Any]) -> None:
        await asyncio.to_thread(_stop, door, body)


def _stop(door: Door, body: dict[str, Any]) -> None:
    event = body["event"]
    channel, thread_ts = event.get("channel_id") or event.get("channel"), event.get("thread_ts")
    if not channel or not thread_ts:
        return
    with door.database.write() as session:
        ticket = tickets.ticket_at(session, body["team_id"], channel, thread_ts)
        stopped = turns.stop(session, ticket.id) if ticket is not None else None
        if ticket is None or stopped is None:
            return
        messages.add(
            session,
            key=f"stopped:turn:{stopped}",
            kind="notice",
            lane=handoff_messages.thread_lane(ticket),
            channel=channel,
            thread_ts=thread_ts,
            body=replies.only_you("Stopped. Write here when you want me to go on."),
            ticket_id=ticket.id,
        )
    door.deliver(ticket.id)

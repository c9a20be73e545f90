"""Slack's stop button: the turn ends without an answer, at once."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot.listeners.door import Door
from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.slack import handoff_messages, replies
from bot.store import events, messages, tickets, turns
from bot.store.db import Session
from bot.store.events import Asked

if TYPE_CHECKING:  # whoever only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncApp


def register(app: "AsyncApp", door: Door) -> None:
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
        if ticket is None or ticket.requester != event.get("user") or not _new(session, body, channel):
            return
        stopped = turns.stop(session, ticket.id)
        if stopped is None:
            return
        messages.add(
            session,
            key=f"stopped:turn:{stopped}",
            kind="notice",
            lane=handoff_messages.thread_lane(ticket),
            channel=channel,
            thread_ts=thread_ts,
            body=replies.only_you("Stopped. Write here when you want me to go on."),
            bot_voice=True,
            ticket_id=ticket.id,
        )
    door.stop(RUN_TURN, stopped)
    door.deliver(ticket.id)
    door.put(SHOW_STOPPED, ticket.id)


def _new(session: Session, body: dict[str, Any], channel: str) -> bool:
    """Tell whether this press is heard for the first time: one that comes again must not stop a later turn."""
    asked = Asked(body["event_id"], "stop", body["team_id"], channel, body["event"]["user"], "", {})
    return events.accept(session, asked) is not None

"""Slack's stop button: it ends the turn at once, without an answer.

"Stopped." is posted only when it is true. A tool that is changing an account cannot be stopped, so the worker that made
the call posts it after the call has ended. If that worker is dead, it is posted after `durations.STOPPED_STEP`.
"""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot import durations
from bot.listeners import senders
from bot.listeners.context import ListenerContext
from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.slack.handoffs import linked_threads
from bot.slack.requesters import replies
from bot.slack.sentences import spoken_by
from bot.store.db import Session
from bot.store.schema import InboxKind, now
from bot.store.tickets import inbox_commands, threads, tickets, turns
from bot.store.tickets.inbox_commands import InboxCommand

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncApp


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listener of the stop button."""

    @app.event("agent_session_stopped")
    async def on_stop(body: dict[str, Any]) -> None:
        await asyncio.to_thread(_stop, ctx, body)


def _stop(ctx: ListenerContext, body: dict[str, Any]) -> None:
    event = body["event"]
    channel, thread_ts = event.get("channel_id") or event.get("channel"), event.get("thread_ts")
    if not channel or not thread_ts:
        return
    with ctx.database.write() as session:
        ticket = threads.ticket_at(session, channel, thread_ts)
        if ticket is None or ticket.requester != event.get("user") or not _new(session, body, channel):
            return
        tickets.lock(session, ticket.id)
        working = turns.is_played(session, ticket.id)
        stopped = turns.stop(session, ticket.id)
        if stopped is None:
            return
        due_at = now() + timedelta(seconds=durations.STOPPED_STEP) if working else now()
        reply = replies.stopped(language=spoken_by(session, ticket.requester))
        linked_threads.in_thread(session, ticket, key=replies.stopped_key(stopped), body=reply, due_at=due_at)
    ctx.stop(RUN_TURN, stopped)
    ctx.deliver(ticket.id)
    ctx.put(SHOW_STOPPED, ticket.id)


def _new(session: Session, body: dict[str, Any], channel: str) -> bool:
    """Store a press, and return whether it is new: a repeated event must not stop a later turn."""
    command = InboxCommand(
        body["event_id"], InboxKind.STOP, senders.installed_in(body), channel, body["event"]["user"], "", {}
    )
    return inbox_commands.accept(session, command) is not None

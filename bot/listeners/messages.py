"""Messages: requests, answers in their threads, responders' messages in the queue channel.

Each is read here; `bot.casework.hearing` decides what it becomes.
"""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.casework import content, heard, hearing
from bot.casework import rewriting as casework
from bot.casework.heard import HeardMessage
from bot.listeners import forms, overhearing, queue_edits, rewriting, senders
from bot.listeners.context import ListenerContext
from bot.rights import Membership

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncApp

RETRIED = "retried"
"Key in the context of a request: Slack had tried to deliver it before."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of messages."""

    @app.event("app_mention")
    async def on_mention(body: dict[str, Any], context: dict[str, Any]) -> None:
        await asyncio.to_thread(_take, ctx, body, context, mentioned=True)

    @app.event("message")
    async def on_message(body: dict[str, Any], context: dict[str, Any]) -> None:
        await asyncio.to_thread(_take, ctx, body, context, mentioned=False)


def _take(ctx: ListenerContext, body: dict[str, Any], context: dict[str, Any], *, mentioned: bool) -> None:
    bot_user = str(context["bot_user_id"])
    if forms.is_form(body["event"]):
        forms.answer(ctx, body, bot_user=bot_user, bot_id=str(context.get("bot_id")), mentioned=mentioned)
    else:
        hear(ctx, body, bot_user, mentioned=mentioned, retried=bool(context.get(RETRIED)))


def hear(ctx: ListenerContext, body: dict[str, Any], bot_user: str, *, mentioned: bool, retried: bool = False) -> None:
    """Hear one message event: read it, look up its sender, and let the use case store it.

    Raises:
        Transient: it could not be stored; Slack is answered 500 and sends it again.
    """
    event = body["event"]
    subtype = event.get("subtype")
    if subtype in ("message_changed", "message_deleted"):
        followed = _follows(ctx, body, event.get("message") or {}, bot_user)
        queue_edits.follow(ctx, body)
        event = {} if followed else overhearing.reworded(event)
        body = {**body, "event": event}
    if heard.is_persons(event, bot_user, ctx.is_app):
        if event.get("edited") and (_follows(ctx, body, event, bot_user) or queue_edits.is_edit(ctx, event)):
            return  # it edits a message that was heard before; an edit that makes a request is heard like a new one
        hearing.hear(ctx, _read(ctx, body, bot_user, mentioned=mentioned, retried=retried))


def _follows(ctx: ListenerContext, body: dict[str, Any], message: dict[str, Any], bot_user: str) -> bool:
    change = rewriting.read(ctx, body, message, bot_user)
    return change is not None and casework.follow(ctx, change, lambda: _membership(ctx, message, body))


def _membership(ctx: ListenerContext, message: dict[str, Any], body: dict[str, Any]) -> Membership:
    """Look up the sender of a message if they have a role; no transaction may be open."""
    team = message.get("user_team") or message.get("source_team") or message.get("team") or body.get("team_id")
    return ctx.membership(message["user"], str(team or "")) if message.get("user") else Membership.UNCHECKED


def _read(ctx: ListenerContext, body: dict[str, Any], bot_user: str, *, mentioned: bool, retried: bool) -> HeardMessage:
    """Read an event, and look up its sender and the names in it; no transaction may be open."""
    event = body["event"]
    team = senders.installed_in(body) or event.get("team") or ""
    envelope = {"event_id": body["event_id"], "team": team, "channel": event["channel"], "bot_user": bot_user}
    return HeardMessage(
        replace(heard.heard(event, ctx.names, **envelope), retried=retried),
        marked=event.get("text") or "",
        called=mentioned or content.mentions(event, bot_user),
        membership=_membership(ctx, event, body),
        barred=senders.elsewhere(body),
        edited_at=heard.when(event.get("edited")),
    )

"""Messages: a request, an answer in its thread, a responder's word in the queue channel. Each is read, then heard.

What it becomes stands in `bot.casework.hearing`.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from bot.casework import heard, hearing, said
from bot.casework import rewriting as casework
from bot.casework.heard import HeardMessage
from bot.listeners import forms, overhearing, queue_edits, rewriting, senders
from bot.listeners.context import ListenerContext
from bot.rights import Membership

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncApp


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
        hear(ctx, body, bot_user, mentioned=mentioned)


def hear(ctx: ListenerContext, body: dict[str, Any], bot_user: str, *, mentioned: bool) -> None:
    """Hear one message event: read it, look up who says it, and let the use case store it.

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
        if event.get("edited") and (_follows(ctx, body, event, bot_user) or queue_edits.is_one(ctx, event)):
            return  # an edit of what was heard before; what it makes a request is heard like any other
        hearing.hear(ctx, _read(ctx, body, bot_user, mentioned=mentioned))


def _follows(ctx: ListenerContext, body: dict[str, Any], message: dict[str, Any], bot_user: str) -> bool:
    change = rewriting.read(ctx, body, message, bot_user)
    return change is not None and casework.follow(ctx, change, lambda: _membership(ctx, message, body))


def _membership(ctx: ListenerContext, message: dict[str, Any], body: dict[str, Any]) -> Membership:
    """Look up who has said something, if they have a role; no transaction is open."""
    team = message.get("user_team") or message.get("source_team") or message.get("team") or body.get("team_id")
    return ctx.membership(message["user"], str(team or "")) if message.get("user") else Membership.UNCHECKED


def _read(ctx: ListenerContext, body: dict[str, Any], bot_user: str, *, mentioned: bool) -> HeardMessage:
    """Read what an event tells; names and who says it are looked up here, with no transaction open."""
    event = body["event"]
    team = senders.installed_in(body) or event.get("team") or ""
    about = {"event_id": body["event_id"], "team": team, "channel": event["channel"], "bot_user": bot_user}
    return HeardMessage(
        heard.heard(event, ctx.names, **about),
        marked=event.get("text") or "",
        called=mentioned or said.mentions(event, bot_user),
        membership=_membership(ctx, event, body),
        barred=senders.elsewhere(body),
        edited_at=heard.when(event.get("edited")),
    )

"""Hears who opens their App Home, and who has left the workspace or come back."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot.casework import departures
from bot.listeners import senders
from bot.listeners.context import ListenerContext
from bot.queue import SHOW_HOME
from bot.store import members
from bot.store.outbox import homes

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncApp


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of App Homes and members."""

    @app.event("app_home_opened")
    async def on_home_opened(body: dict[str, Any]) -> None:
        await asyncio.to_thread(_opened, ctx, body)

    @app.event("user_change")
    async def on_member_changed(body: dict[str, Any]) -> None:
        if "user" in body["event"]:  # it may be missing for people of another organisation
            await asyncio.to_thread(_changed, ctx, body["event"]["user"])


def _opened(ctx: ListenerContext, body: dict[str, Any]) -> None:
    event = body["event"]
    if event.get("tab", "home") != "home":
        return  # they have opened the tab with the conversation
    user = event["user"]
    with ctx.database.write() as session:
        homes.opened(session, user, senders.installed_in(body), blank="view" not in event)
    ctx.put(SHOW_HOME, user)


def _changed(ctx: ListenerContext, member: dict[str, Any]) -> None:
    """Store that somebody has left or is back, and forget their cached profile; most changes write nothing.

    The clock frees the handoffs that somebody held when they left.
    """
    user = member["id"]
    with ctx.database.read() as session:
        known, kept = members.has_left(session, user), members.is_kept(session, user)
    has_left = bool(member.get("deleted", known))  # unchanged where Slack does not say
    if has_left == known and not kept:
        return
    with ctx.database.write() as session:
        members.forget(session, user)
        if has_left and not known:
            departures.note(session, user)
        elif known and not has_left:
            members.note_return(session, user)

"""The button in App Home that makes a link to the dashboard, and the presses of links, which need no answer."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot import rights
from bot.casework import dashboard_links
from bot.casework.context import ANYWHERE, actor
from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.rights import Viewer
from bot.slack.handoffs import denials, home
from bot.slack.reports import dashboard_offer

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

    from bot.slack.api.async_client import AsyncWebClient

CLOSED = "The dashboard is not set up here. Your home will stop offering it in a moment."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of the dashboard's buttons."""

    @app.action(home.OPEN_DASHBOARD)
    async def on_press(ack: "AsyncAck", body: dict[str, Any], client: "AsyncWebClient") -> None:
        view = await asyncio.to_thread(_link, ctx, body)
        if view is not None:
            await buttons.open_form(ctx, client, body, view)
        await ack()

    @app.action(dashboard_offer.FOLLOWED)
    async def on_followed(ack: "AsyncAck") -> None:
        await ack()


def _link(ctx: ListenerContext, body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the view with a new link, or tell the presser why there is none."""
    press = buttons.read(ctx, body)
    with ctx.database.write() as session:
        found = rights.viewer(ctx.agents, actor(session, press.user, press.membership))
        if isinstance(found, Viewer) and ctx.door is not None:
            address = dashboard_links.make(session, ctx.door, found.user)
            return dashboard_offer.modal(address, minutes=dashboard_links.minutes(ctx.door))
        buttons.tell(session, press, CLOSED if isinstance(found, Viewer) else denials.in_words(found), None)
    ctx.deliver(ANYWHERE)
    return None

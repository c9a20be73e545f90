"""Hears that Slack drops events: there were more in an hour than it delivers, or we failed to answer too many.

Slack does not keep them, so nothing else shows that somebody waits in vain. The loss is stored for `deskhand doctor`,
and every owner of an agent is told once an hour, although Slack repeats it every minute.
"""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from bot.casework.context import ANYWHERE
from bot.listeners.context import ListenerContext
from bot.slack.api import lost_events
from bot.store.installation import heartbeats
from bot.store.money import digests
from bot.store.schema import MessageKind, now

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt import BoltResponse
    from slack_bolt.async_app import AsyncBoltRequest

log = structlog.get_logger()

KIND = "app_rate_limited"
"Slack's name for it. It is not an event, and comes without a subscription."


async def hear_of_loss(ctx: ListenerContext, request: "AsyncBoltRequest") -> "BoltResponse | None":
    """Store a loss and tell of it; None: the request tells of none. Bolt has no listeners for what is no event."""
    if request.body.get("type") != KIND:
        return None
    await asyncio.to_thread(_tell, ctx, request.body)
    return await request.context.ack()


def _tell(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Store the loss, and tell the owners who have not been told within this hour."""
    minute = body.get("minute_rate_limited")
    since = now() if minute is None else datetime.fromtimestamp(minute, UTC)
    log.error("slack.events_dropped", since=since.isoformat())
    channels: dict[str, list[str]] = {}
    for agent in ctx.agents.values():
        for owner in agent.card.owners:
            channels.setdefault(owner, []).extend(agent.card.channels)
    with ctx.database.write() as session:
        heartbeats.give(session, "dropped", who=str(body.get("team_id", "")))
        for owner in digests.still_members(session, channels):
            text = lost_events.message(since, channels[owner])
            digests.say(session, MessageKind.EVENTS_LOST, f"events_lost:{since:%Y-%m-%dT%H}:{owner}", owner, text)
    ctx.deliver(ANYWHERE)

"""Slash commands and the message shortcuts: stored and queued here, answered by a job."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot.agent.redaction import redact
from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.listeners.reading import Malformed
from bot.queue import ANSWER_COMMAND
from bot.slack.api import response_urls
from bot.store.schema import InboxKind
from bot.store.tickets import inbox_commands
from bot.store.tickets.inbox_commands import InboxCommand

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of commands and shortcuts."""
    for command in ("/agent-cost", "/agent-eval"):

        @app.command(command)
        async def on_command(ack: "AsyncAck", body: dict[str, Any]) -> None:
            await asyncio.to_thread(_store, ctx, _command(ctx, body))
            await ack()

    @app.shortcut("hand_to_person")
    async def on_shortcut(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_store, ctx, _shortcut(ctx, body, InboxKind.SHORTCUT))
        await ack()

    @app.shortcut("why_did_this_happen")
    async def on_question(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_store, ctx, _shortcut(ctx, body, InboxKind.WHY))
        await ack()


def _store(ctx: ListenerContext, command: InboxCommand) -> None:
    with ctx.database.write() as session:
        event_id = inbox_commands.accept(session, command)
    if event_id is not None:
        ctx.put(ANSWER_COMMAND, event_id)


def _command(ctx: ListenerContext, body: dict[str, Any]) -> InboxCommand:
    return InboxCommand(
        event_id=f"command:{body['trigger_id']}",
        kind=InboxKind.COMMAND,
        team=body["team_id"],
        channel=body["channel_id"],
        user=body["user_id"],
        text=redact(body["text"].strip()),
        detail={"command": body["command"], "response_url": _answered_at(ctx, body)},
    )


def _shortcut(ctx: ListenerContext, body: dict[str, Any], kind: InboxKind) -> InboxCommand:
    message = body["message"]
    return InboxCommand(
        event_id=f"shortcut:{body['trigger_id']}",
        kind=kind,
        team=buttons.workspace(body),
        channel=body["channel"]["id"],
        user=body["user"]["id"],
        text="",
        detail={
            "ts": message["ts"],
            "thread_ts": message.get("thread_ts") or message["ts"],
            "response_url": _answered_at(ctx, body),
        },
    )


def _answered_at(ctx: ListenerContext, body: dict[str, Any]) -> str | None:
    """Return the address for the answer; None when Slack gives none.

    Raises:
        Malformed: it is not an address of Slack.
    """
    url = body.get("response_url")
    if url is not None and not response_urls.is_slacks(url, ctx.slack_api_url):
        raise Malformed
    return url

"""Socket Mode, with Bolt's own aiohttp handler at the other end."""

import asyncio
import logging
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.live_server import PATIENCE


async def eventually(wanted: Any, seconds: float = PATIENCE) -> None:
    """Wait until something is true."""
    until = asyncio.get_running_loop().time() + seconds
    while not wanted():
        assert asyncio.get_running_loop().time() < until, "waited too long"
        await asyncio.sleep(0.01)


def connected_app(workspace: Any, heard: list[Any]) -> Any:
    """Return the handler of a Bolt app that answers messages, commands and submissions over Socket Mode."""
    client = AsyncWebClient(token="xoxb-local", base_url=f"{workspace.base}/api/")
    app = AsyncApp(token="xoxb-local", client=client)
    app.logger.setLevel(logging.CRITICAL)

    @app.event("message")
    async def on_message(event: dict[str, Any], say: Any, request: Any) -> None:
        heard.append((event, request.headers))
        await say(text=f"heard {event['text']}", thread_ts=event["ts"])

    @app.command("/agent-cost")
    async def on_command(ack: Any, command: dict[str, Any]) -> None:
        heard.append(command)
        await ack("It has cost nothing.")

    return AsyncSocketModeHandler(app, app_token="xapp-local")


def test_bolt_hears_and_answers_over_socket_mode(serve_workspace: Any) -> None:
    """A message reaches a Bolt app over Socket Mode, its answer is in the thread, its ack text is shown."""
    workspace = serve_workspace(deliver_to=None)
    heard: list[Any] = []

    async def story() -> None:
        handler = connected_app(workspace, heard)
        await handler.connect_async()
        await eventually(workspace.world.links.connected)
        ts = await asyncio.to_thread(workspace.say, "U0MAYA", "C0HELP", "help")
        await eventually(lambda: len(workspace.sees("U0MAYA")["messages"]["C0HELP"]) == 2)
        reply = workspace.sees("U0MAYA")["messages"]["C0HELP"][1]
        assert (reply["text"], reply["thread_ts"]) == ("heard help", ts)
        answer = await asyncio.to_thread(
            workspace.act, "command", "U0MAYA", channel="C0HELP", command="/agent-cost", text=""
        )
        assert answer["response"]["text"] == "It has cost nothing."
        await handler.close_async()
        await eventually(lambda: not workspace.world.links.connected())

    asyncio.run(story())
    assert heard[0][0]["text"] == "help"


def test_a_bot_that_reconnects_hears_again(serve_workspace: Any) -> None:
    """After a disconnect message the SDK comes back on its own and events flow."""
    workspace = serve_workspace(deliver_to=None, answer_seconds=1.0)  # what went to the old connection is sent again
    heard: list[Any] = []

    async def story() -> None:
        handler = connected_app(workspace, heard)
        await handler.connect_async()
        await eventually(workspace.world.links.connected)
        await asyncio.to_thread(workspace.send, "/sandbox/disconnect", {})
        await eventually(workspace.world.links.connected)
        await asyncio.to_thread(workspace.say, "U0MAYA", "C0HELP", "still there?")
        await eventually(lambda: any(one[0]["text"] == "still there?" for one in heard))
        await handler.close_async()

    asyncio.run(story())


def test_a_link_needs_a_ticket(workspace: Any) -> None:
    """A websocket without an address from apps.connections.open is turned away."""
    with pytest.raises(InvalidStatus), connect(workspace.base.replace("http", "ws") + "/link?ticket=x"):
        pass

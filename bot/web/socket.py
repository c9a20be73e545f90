"""Socket Mode: the same listeners over a connection that we open; Slack signs nothing on it."""

import time
from typing import TYPE_CHECKING

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response

from bot.listeners.reading import Malformed, validated
from bot.web.bolt import failed, request_of

if TYPE_CHECKING:
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

log = structlog.get_logger()


class SocketListener(AsyncSocketModeHandler):
    """Hears what comes over the connection; an unreadable envelope is not acknowledged, and its content not logged."""

    async def handle(self, client: "SocketModeClient", req: "SocketModeRequest") -> None:  # type: ignore[override]  # bolt's own
        """Dispatch one envelope to the listeners."""
        began = time.time()
        try:
            answer = await self.app.async_dispatch(request_of(validated(req.payload)))
        except Malformed:
            log.warning("request.refused", reason="unreadable")
            return
        except Exception as error:  # noqa: BLE001 - Bolt's own, or its handler of errors broke
            answer = await failed(error)
        await send_async_response(client, req, answer, began)

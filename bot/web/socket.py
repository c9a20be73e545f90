"""Socket Mode: the same listeners over a connection that we open; Slack signs nothing on it."""

import asyncio
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncApp

from bot.errors import ConfigError
from bot.health.findings import Finding
from bot.listeners.reading import Malformed, validated
from bot.network import Network
from bot.slack.api import socket_client
from bot.slack.api.socket_client import SocketClient
from bot.web.bolt import failed, request_of

if TYPE_CHECKING:
    from slack_sdk.socket_mode.request import SocketModeRequest

log = structlog.get_logger()

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class SocketListener:
    """Hears what comes over the connection; an unreadable envelope is not acknowledged, and its content not logged."""

    def __init__(self, app: AsyncApp, app_token: str, network: Network) -> None:
        self.app, self._token, self._network = app, app_token, network
        self._client: SocketClient | None = None
        "None before `listen`."

    async def listen(self) -> None:
        """Hear Slack until a stop signal.

        Raises:
            ConfigError: Slack refuses the app token.
        """
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for one in STOP_SIGNALS:
            loop.add_signal_handler(one, stopped.set)
        client = SocketClient(self._token, self.app.client, self._network, self.app.logger)
        client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]  # it gets this very client
        self._client = client
        connecting, stopping = loop.create_task(client.connect()), loop.create_task(stopped.wait())
        ends: set[asyncio.Future[Any]] = {stopping, client.refused}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in (connecting, stopping):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await client.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
        if client.refused.done():
            raise ConfigError(
                f"environment: SLACK_APP_TOKEN: Slack says {client.refused.result()}; {socket_client.TAKES}"
            )

    def look(self) -> Finding:
        """Return whether Slack was heard lately, with the seconds since each sign of it."""
        ages = {} if self._client is None else self._client.ages()
        signs = ", ".join(f"{sign} {age:.0f} s ago" for sign, age in ages.items()) or "nothing yet"
        if min(ages.values(), default=socket_client.DEAF_SECONDS) < socket_client.DEAF_SECONDS:
            return Finding("socket", "ok", f"Slack is heard: {signs}.")
        return Finding("socket", "fail", f"Slack is not heard: {signs}.")

    async def handle(self, client: SocketClient, req: "SocketModeRequest") -> None:
        """Dispatch one envelope to the listeners."""
        began = time.time()
        try:
            answer = await self.app.async_dispatch(request_of(validated(req.payload), retried=bool(req.retry_attempt)))
        except Malformed:
            log.warning("request.refused", reason="unreadable")
            return
        except Exception as error:  # noqa: BLE001 - Bolt's own, or its handler of errors broke
            answer = await failed(error)
        await send_async_response(client, req, answer, began)

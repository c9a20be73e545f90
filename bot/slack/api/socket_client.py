"""The Socket Mode client: Slack's own, which ends when Slack refuses the app token, and knows when it heard from it.

By itself it tries again for ever, whatever Slack answers, and it has been seen connected and deaf for hours.
It is opened by our rule (`bot.network`). Only the process that hears it imports this.
"""

import asyncio
import logging
import time
from enum import StrEnum
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.network import Network
from bot.slack.api import client as slack
from bot.slack.api.client import NotAuthorized, Rejected

DEAF_SECONDS = 60.0
"Slack counts as unheard after this long without a sign: both sides ping each other every ten seconds or so."
PING_SECONDS = 10.0
TAKES = "it takes the app-level token (xapp-...) with the scope connections:write, of an app with Socket Mode on"


class SocketSign(StrEnum):
    """What shows that Slack is there."""

    HELLO = "hello"
    "Slack's greeting on a new connection."
    PING = "ping"
    "A ping of Slack's, or its answer to one of ours."
    ENVELOPE = "envelope"
    "An event, a command or a press."


class SocketClient(SocketModeClient):
    """A connection to Slack that is made anew until it is closed; it belongs to one event loop.

    Attributes:
        refused: gets Slack's error code when Slack refuses the app token for good; the client is closed then.
    """

    def __init__(self, token: str, web_client: AsyncWebClient, network: Network, logger: logging.Logger) -> None:
        """Prepare a connection; none is opened yet.

        Args:
            token: the app token.
            web_client: asks Slack for the address; its trusted certificates are those of the connection too.
            network: how that address is reached; the SDK would read the proxy variables in its own way.
            logger: takes what the SDK has to say.
        """
        super().__init__(token, logger, web_client, ping_interval=PING_SECONDS)
        self._network = network
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._last: dict[SocketSign, float] = {}
        "When each sign last came, on the clock of `time.monotonic`."
        self.message_listeners.append(self._note_message)

    def ages(self) -> dict[SocketSign, float]:
        """Return the seconds since each sign last came, for those that have come."""
        return {sign: time.monotonic() - self._last[sign] for sign in SocketSign if sign in self._last}

    async def connect(self) -> None:
        """Connect, and try again until it is done or the client is closed."""
        if self.current_session is None:
            await self.aiohttp_client_session.close()  # in it nobody is told of pings
            self.aiohttp_client_session = aiohttp.ClientSession(ws_response_class=self._noting())
        await super().connect()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped

    async def issue_new_wss_url(self) -> str:
        """Return the address for a connection, and choose its proxy; close the client when Slack refuses the token."""
        try:
            url = await super().issue_new_wss_url()
        except SlackApiError as error:
            refusal = slack.translated(error)
            if isinstance(refusal, NotAuthorized | Rejected):
                self.closed = True  # or it would ask again for ever
                if not self.refused.done():
                    self.refused.set_result(refusal.code)
            raise
        self.proxy = self._network.proxy_url(url)
        return url

    async def _note_message(self, _client: object, message: dict[str, Any], _raw: str | None) -> None:
        if message.get("type") == "hello":
            self._last[SocketSign.HELLO] = time.monotonic()
        elif "envelope_id" in message:
            self._last[SocketSign.ENVELOPE] = time.monotonic()

    def _noting(self) -> type[aiohttp.ClientWebSocketResponse]:
        last = self._last

        class NotingPings(aiohttp.ClientWebSocketResponse):
            async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:  # noqa: ASYNC109 - aiohttp's own
                message = await super().receive(timeout)
                if message.type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                    last[SocketSign.PING] = time.monotonic()
                return message

        return NotingPings

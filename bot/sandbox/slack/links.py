"""Socket Mode: the websocket at /link, its envelopes and their acknowledgements.

apps.connections.open hands out the address, which is good for one connection. Envelopes go to the connection that was
opened last.
"""

import asyncio
import json
import secrets
import time
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.slack.delivery import DeliveryAnswer
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.seed import Json

_CONNECTION_SECONDS = 3600


class SocketLinks:
    """The open connections, and the envelopes that wait for an answer."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._open: list[WebSocket] = []
        self._waiting: dict[str, asyncio.Future[str]] = {}

    def new_ticket(self) -> str:
        """Create a ticket for one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    def connected(self) -> bool:
        """Return whether the bot is connected."""
        return bool(self._open)

    async def serve(self, socket: WebSocket) -> None:
        """Greet a connection and read its acknowledgements until it ends."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close(code=1008)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        self._open.append(socket)
        try:
            await socket.send_json(self._hello())
            while True:
                self._acknowledge(await socket.receive_text())
        except WebSocketDisconnect:
            return
        finally:
            with suppress(ValueError):
                self._open.remove(socket)

    async def send(self, kind: str, payload: Json, *, retry: tuple[int, str], seconds: float) -> DeliveryAnswer:
        """Send an envelope and wait for its acknowledgement for at most this many seconds."""
        envelope_id = new_id("Env")
        envelope: dict[str, Any] = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0], "retry_reason": retry[1]}
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = future
        started = time.perf_counter()
        try:
            await self._open[-1].send_text(json.dumps(envelope))
            body = await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return DeliveryAnswer(0, "", (time.perf_counter() - started) * 1000, "http_timeout")
        except (WebSocketDisconnect, RuntimeError):
            return DeliveryAnswer(0, "", (time.perf_counter() - started) * 1000, "connection_failed")
        finally:
            del self._waiting[envelope_id]
        return DeliveryAnswer(200, body, (time.perf_counter() - started) * 1000)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to reconnect, and close it."""
        for socket in list(self._open):
            with suppress(RuntimeError, WebSocketDisconnect):
                await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
                await socket.close()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "connection_info": {"app_id": self._app_id},
            "debug_info": {"approximate_connection_time": _CONNECTION_SECONDS},
        }

    def _acknowledge(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        future = self._waiting.get(message.get("envelope_id", "")) if isinstance(message, dict) else None
        if future is None or future.done():
            return
        payload = message.get("payload")
        if isinstance(payload, dict) and set(payload) == {"text"}:
            future.set_result(str(payload["text"]))
        else:
            future.set_result(json.dumps(payload) if payload else "")

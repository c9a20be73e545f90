"""The HTTP server and its limits: no client can hold a connection, a thread or memory for as long as it likes.

uvicorn limits neither the time for headers nor the time for the rest of a request that was answered early. This
protocol gives every stage of a connection a deadline. It cannot distinguish Slack from others before it has read a
request: a reverse proxy in front terminates TLS and limits the connections of one address.
"""

import asyncio
import logging
import socket
from functools import partial
from typing import Any

import h11
import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.errors import ConfigError, kind
from bot.web.entrance import ClientLimits
from bot.web.tally import Tally

log = structlog.get_logger()

HEAD_BYTES = 16_384
"The longest unfinished headers that are kept."
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
GRACE_SECONDS = 1.0
"Time to answer a body that came too late, before the connection is closed."


def serve(app: Starlette, *, host: str, port: int, limits: ClientLimits) -> None:
    """Serve the app until the process is told to end.

    Raises:
        ConfigError: nothing can listen there.
    """
    how = config(app, host=host, port=port, limits=limits)
    try:
        listening = socket.create_server((host, port), family=_family(host, port), backlog=how.backlog)
    except OSError as error:
        raise ConfigError(f"environment: HOST and PORT: nothing can listen on {host}:{port}: {kind(error)}") from error
    log.info("web.started", host=host, port=listening.getsockname()[1])
    uvicorn.Server(how).run(sockets=[listening])


def _family(host: str, port: int) -> socket.AddressFamily:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]


def config(
    app: Starlette, *, host: str = "127.0.0.1", port: int = 0, limits: ClientLimits | None = None
) -> uvicorn.Config:
    """Return uvicorn's configuration for an app; requests that uvicorn itself refuses go to the app's tally."""
    limits, tally = limits or ClientLimits(), app.state.tally
    _count_complaints(tally)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=partial(BoundedProtocol, limits=limits, tally=tally),  # type: ignore[arg-type]  # it is only called
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        backlog=limits.backlog,
        timeout_keep_alive=limits.idle_seconds,
        h11_max_incomplete_event_size=HEAD_BYTES,
    )


class BoundedProtocol(H11Protocol):
    """One connection with a deadline for each stage: the headers, the rest of the request, its answer."""

    def __init__(self, *arguments: Any, limits: ClientLimits, tally: Tally, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limits, self._tally = limits, tally
        self._stage: object = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start the deadline for headers, or close the connection when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > 2 * self._limits.connections:
            self._tally.add("connections")
            transport.abort()
        else:
            self._watch()

    def data_received(self, data: bytes) -> None:
        """Read on; only a new stage starts a new deadline, more bytes of the same stage do not."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Start the deadline for the next request, or for the rest of this one if it was answered early."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadline."""
        self._stop()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even when its client has never read its answers."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _watch(self) -> None:
        """Start the deadline of the connection's stage, once a stage."""
        stage, seconds = self._now()
        if stage == self._stage:
            return
        self._stop()
        self._stage = stage
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._too_late)

    def _now(self) -> tuple[object, float | None]:
        """Return the connection's stage, unlike that of any other request, and its seconds; None for no deadline."""
        if self.conn.their_state is h11.SEND_BODY:
            return ("body", self.cycle), self._limits.body_seconds + GRACE_SECONDS
        if self.conn.their_state is h11.IDLE:
            began = self.timeout_keep_alive_task is None  # otherwise no byte of the next request has come
            return ("head", self.cycle, began), self._limits.head_seconds if began else None
        answered = self.cycle is not None and self.cycle.response_complete
        taken = answered and not self.transport.get_write_buffer_size()
        return ("answer", self.cycle, taken), None if taken else self._limits.answer_seconds

    def _too_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            self.transport.abort()
            return
        self._tally.add("slow")
        if self.conn.their_state is h11.IDLE and not self.transport.get_write_buffer_size():
            self.transport.write(TOO_LATE)
            self.transport.close()
        else:
            self.transport.abort()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Complaints(logging.Filter):
    """Counts the requests that are not HTTP or are one too many; uvicorn would log a line for each."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING or record.args:
            return True
        self.tally.add("http")
        return False


def _count_complaints(tally: Tally) -> None:
    logging.getLogger("uvicorn.error").filters[:] = [_Complaints(tally)]

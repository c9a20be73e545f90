"""A real HTTP server on a real port, in a thread of the test's own."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from bot.sandbox.demo.serve import WorkspaceServer

LOOK = 0.005
"Seconds between two looks of a server, or at it."
PATIENCE = 120.0
"Seconds that a server may take to start, or to end what it is at."


class Prompt(uvicorn.Server):
    """Uvicorn that ends as soon as it has nothing to do, and sleeps until it shall.

    Its own three steps of 100 ms add up over a suite, and so does the CPU of a look every few of them.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()

    def end(self) -> None:
        """Tell it to end, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        """Wait until it shall end; the date that it puts into its answers is renewed each second."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let every request have its answer, then end."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        deadline = time.monotonic() + (self.config.timeout_graceful_shutdown or PATIENCE)
        while self.server_state.connections or self.server_state.tasks:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server is still at work: {self.server_state.tasks}")
            await asyncio.sleep(LOOK)
        await self.lifespan.shutdown()


class PromptWorkspace(WorkspaceServer, Prompt):
    """The local workspace, which ends its streams first."""


@contextmanager
def served(app: ASGIApp, *, lifespan: Literal["on", "off"] = "off") -> Iterator[str]:
    """Serve an app until the block ends, and give its address; with `lifespan` it is told when it ends."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan=lifespan, ws="none")
    with served_as(config) as address:
        yield address


@contextmanager
def served_as(config: uvicorn.Config) -> Iterator[str]:
    """Serve until the block ends what is configured, and give its address."""
    server = Prompt(config)
    with running_server(server):
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running_server(server: Prompt, listener: socket.socket | None = None) -> Iterator[None]:
    """Run a server until the block ends, on a port of its own or where a socket listens."""
    sockets = None if listener is None else [listener]
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if time.monotonic() > deadline:
            raise RuntimeError("the server did not start")
        time.sleep(LOOK)
    try:
        yield
    finally:
        server.end()
        thread.join(2 * PATIENCE)

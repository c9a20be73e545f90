"""The workspace as a process: one uvicorn server that ends cleanly on SIGTERM and Ctrl-C."""

import socket
from typing import TYPE_CHECKING

import uvicorn

from bot.errors import ConfigError
from bot.sandbox.workspace import WorkspaceConfig, create_app

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from bot.sandbox.slack.world import World

GRACE_SECONDS = 3
IDLE_SECONDS = 30
"""For how long a connection without a request is kept open.

It is far more than the bot waits before it uses one again, so that however busy the machine is, none is closed while a
request is on its way.
"""
BACKLOG = 512


class WorkspaceServer(uvicorn.Server):
    """Uvicorn that ends the page's live streams before it waits for open connections."""

    def __init__(self, app: "Starlette") -> None:
        self._world: World = app.state.world
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ws="websockets-sansio",
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams and the Socket Mode links, then shut down."""
        self._world.changes.close()
        await self._world.links.disconnect()
        await super().shutdown(sockets)


def serve(config: WorkspaceConfig, host: str, port: int) -> None:
    """Serve the workspace until the process is ended.

    Raises:
        ConfigError: the address is taken, or a file is wrong.
    """
    with listen(host, port) as listener:
        WorkspaceServer(create_app(config)).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Open the address that the workspace is served on; port 0 takes a free one.

    Raises:
        ConfigError: the address is in use, or not one of this machine.
    """
    try:
        listener = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"cannot serve the local workspace on {host}:{port}: {error.strerror}") from None
    # asyncio sets this only for sockets that name their protocol; without it every answer takes 40 ms longer.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener

"""A process between a client and a server: it forwards every byte, as a tunnel or a load balancer does."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread


@contextmanager
def byte_tunnel(server: str) -> Iterator[int]:
    """Forward connections to a server's socket file; yield the port that takes them."""
    up: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(server)
        await asyncio.gather(_copy(reader, to_server), _copy(from_server, writer))

    async def serve() -> None:
        over = asyncio.Event()
        async with await asyncio.start_server(forward, "127.0.0.1", 0) as listening:
            up.set_result((listening.sockets[0].getsockname()[1], asyncio.get_running_loop(), over))
            await over.wait()

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, loop, over = up.result()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
    finally:
        writer.close()

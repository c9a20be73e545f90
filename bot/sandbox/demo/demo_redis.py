"""The Redis of the demo. It listens on a socket: unlike a port, no other account of the machine can reach it."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import private
from bot.sandbox.demo.processes import Program, redis_server

LONGEST_SOCKET = 100
"The longest path of a socket, in bytes; systems allow little more."


@contextmanager
def socket_of(state: Path) -> Iterator[Path]:
    """Return the path of the socket: in the demo's folder, or in a temporary one when that path is too long."""
    private.folder(state / "redis")
    inside = state / "redis" / "redis.sock"
    if len(os.fsencode(inside)) < LONGEST_SOCKET:
        yield inside
    else:
        with TemporaryDirectory(prefix="deskhand-") as elsewhere:
            yield Path(elsewhere) / "redis.sock"


def program(listens: Path, state: Path) -> Program:
    """Return the process that listens on a socket and keeps its data in the demo's folder."""
    command = [redis_server(), "--port", "0", "--unixsocket", str(listens), "--unixsocketperm", "700"]
    command += ["--dir", str(state / "redis")]
    return Program("redis", command, is_up=lambda _: _says(listens, "PING") == "+PONG", outlives=True)


def has_worker(listens: Path, process: int) -> bool:
    """Return whether a worker with this process number has registered."""
    return re.search(rf":{process}\b", _says(listens, "SMEMBERS rq:workers")) is not None


def _says(listens: Path, command: str) -> str:
    """Return the short answer to an inline command, or an empty string without one."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(listens))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(4096).decode().strip()
    except OSError:
        return ""

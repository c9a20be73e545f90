"""A real redis-server that a test starts, and may kill."""

import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from bot.sandbox.demo.processes import redis_server as redis_binary


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class RedisServer:
    """A redis-server of the test's own, which it may kill."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.kill()
        self.process.wait()


def start_redis(folder: Path, port: int | None = None) -> RedisServer:
    """Start a redis-server that keeps its data in a folder, and wait until it answers."""
    port = port or free_port()
    command = [redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    process = subprocess.Popen([*command, "--maxmemory-policy", "noeviction"], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    with redis.Redis.from_url(url) as client:
        for _ in range(6_000):
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.01)
            else:
                return RedisServer(url, process)
    process.kill()
    raise RuntimeError("redis-server did not answer")

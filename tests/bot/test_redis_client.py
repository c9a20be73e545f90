"""How we connect to Redis: `bot.redis_client`."""

import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from bot import redis_client
from bot.budget import scripts
from bot.errors import ConfigError
from bot.queue import JobQueue, worker_connection
from tests.support.busy_machine import SOON
from tests.support.redis_servers import start_redis


def test_a_redis_that_lets_anybody_in_is_known(tmp_path: Path) -> None:
    """Whatever the address has; with a password it does not, and of one that is gone nothing is known."""
    server = start_redis(tmp_path)
    address = server.url.replace("redis://", "redis://somebody:secret@") + "?username=somebody"
    try:
        assert redis_client.lets_anybody_in(address) is True
        with redis.Redis.from_url(server.url) as admin:
            admin.config_set("requirepass", "secret")
        assert redis_client.lets_anybody_in(address) is False
    finally:
        server.kill()
    assert redis_client.lets_anybody_in(address) is None


def test_a_redis_that_hangs_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and never answers."""
    monkeypatch.setattr(redis_client, "SOCKET_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = redis_client.shared(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", None)
        started = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        assert time.monotonic() - started < SOON
        client.close()


def test_a_command_whose_reply_is_lost_is_not_made_again(redis_url: str) -> None:
    """It was carried out; a client that tries by itself would do it twice."""
    with _forgetful(redis_url, b"INCR") as url, redis.Redis.from_url(redis_url) as direct:
        for client in (redis_client.patient(url, None, connections=1), redis_client.shared(url, None)):
            with pytest.raises(redis.ConnectionError):
                client.incr("jobs")
            client.close()
        assert direct.get("jobs") == b"2"


def test_threads_share_the_connections_of_a_process(redis_url: str) -> None:
    """However many ask at once: who finds none free waits for one."""
    client = redis_client.shared(redis_url, None)
    with ThreadPoolExecutor(3 * redis_client.CONNECTIONS) as threads:
        list(threads.map(lambda _: client.incr("asked"), range(300)))
    assert client.get("asked") == b"300"
    pool: Any = client.connection_pool
    assert len(pool._connections) <= redis_client.CONNECTIONS
    client.close()


@contextmanager
def _forgetful(redis_url: str, command: bytes) -> Iterator[str]:
    """Pass everything on to a Redis, but hang up in place of the reply to one command."""
    place = urlsplit(redis_url)

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection((str(place.hostname), int(place.port or 0))) as server:
            while asked := client.recv(65_536):
                server.sendall(asked)
                answer = server.recv(65_536)
                if command in asked:
                    return
                client.sendall(answer)

    def listen(listener: socket.socket) -> None:
        with suppress(OSError):  # the test has closed it
            while True:
                serve(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,), daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    "url", ["redis://:pa/marked-word@redis:6379/0", "redis://h:marked-word/0", "marked-word", "http://marked-word/"]
)
def test_an_address_that_cannot_be_read_is_not_repeated(url: str) -> None:
    """It may hold a password, and one with a sign that was not encoded is part of what is wrong."""
    for connect in (JobQueue.connect, lambda url: worker_connection(url, connections=1), scripts.connect):
        with pytest.raises(ConfigError, match="REDIS_URL cannot be read") as caught:
            connect(url)
        assert "marked-word" not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__context__ is None

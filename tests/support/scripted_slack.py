"""A Slack on a real socket that treats each request as a test wants, and notes on which connection it came."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.errors import Transient
from bot.network import DIRECT, Network
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from tests.support.forward_proxy import forwarding
from tests.support.live_server import PATIENCE
from tests.support.peers import Peer, listening
from tests.support.private_ca import PrivateCa

WAYS = ("plain", "tls", "tunnelled", "proxied")
"How it is reached: directly, over TLS, over TLS through a proxy, and by a proxy that reads along."
PROXY_LOGIN = "me:p%40ss"
"What the proxies want."


@dataclass(frozen=True)
class HeardRequest:
    """A request that was heard to its end."""

    connection: int
    "Its connections are numbered from 1, as they come."
    head: bytes
    body: bytes


Treatment = Callable[[socket.socket, HeardRequest], bool]
"Treats a request, and returns whether the next one may come on the same connection."


@dataclass
class ScriptedSlack:
    """What was heard, and how the next requests are treated."""

    port: int = 0
    context: ssl.SSLContext | None = None
    script: list[Treatment] = field(default_factory=list)
    "Of the next requests; those after them are answered."
    heard: list[HeardRequest] = field(default_factory=list)
    opened: int = 0
    "How many connections there were."
    left: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    "Released each time that the client closes a connection between two requests."
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def came_on(self) -> list[int]:
        """On which connection each request came."""
        return [one.connection for one in self.heard]

    def was_left(self) -> bool:
        """Wait until the client has closed one more connection."""
        return self.left.acquire(timeout=PATIENCE)

    def treat(self, connection: socket.socket, _peer: Peer) -> None:
        """Treat what comes on a connection."""
        with self._lock:
            self.opened += 1
            number = self.opened
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection:
            while (request := _heard(connection, number)) is not None:
                with self._lock:
                    self.heard.append(request)
                    treatment = self.script.pop(0) if self.script else answers
                if not treatment(connection, request):
                    return
        self.left.release()


@contextmanager
def scripted(way: str, ca: PrivateCa) -> Iterator[tuple[ScriptedSlack, WebClient]]:
    """Run it until the block ends, with a client that reaches it one of the `WAYS`."""
    plays = ScriptedSlack(context=ca.context() if way in {"tls", "tunnelled"} else None)
    with listening(plays.treat) as peer, forwarding(wants="me:p@ss") as proxy:
        plays.port = peer.port
        trusted, by = {"SSL_CERT_FILE": str(ca.file)}, f"http://{PROXY_LOGIN}@127.0.0.1"
        base, network = {
            "plain": (f"http://127.0.0.1:{peer.port}", DIRECT),
            "tls": (f"https://127.0.0.1:{peer.port}", Network.read(trusted)),
            "tunnelled": (
                f"https://slack.example:{peer.port}",
                Network.read({"HTTPS_PROXY": f"{by}:{proxy.port}", **trusted}),
            ),
            "proxied": ("http://slack.example", Network.read({"HTTP_PROXY": f"{by}:{peer.port}"})),
        }[way]
        yield plays, slack.connect(token="xoxb-1", base_url=f"{base}/api/", network=network, seconds=60)
        assert len(proxy.asked) == (plays.opened if way == "tunnelled" else 0)


def reads(client: WebClient, user: str = "U1") -> Any:
    """Make a call that changes nothing."""
    return slack.call(client.users_info, user=user)["echo"]


def writes(client: WebClient, text: str = "hello") -> Any:
    """Make a call that must not be made twice."""
    return slack.call(client.chat_postMessage, channel="C1", text=text)["echo"]


def transient(client: WebClient, make: Callable[[WebClient], Any]) -> type[Transient] | None:
    """Return the class of error that a call ends in."""
    try:
        make(client)
    except Transient as error:
        return type(error)
    return None


def ok(body: bytes = b'{"ok": true, "echo": 0}', status: str = "HTTP/1.1 200 OK", *headers: str) -> bytes:
    """Return an answer."""
    head = (status, "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(head).encode() + body


def answers(connection: socket.socket, request: HeardRequest) -> bool:
    """Be content, and give back how many bytes came."""
    connection.sendall(ok(b'{"ok": true, "echo": %d}' % len(request.body)))
    return True


def answers_with(*answer: bytes) -> Treatment:
    """Return a treatment that says this, and hears on."""

    def treatment(connection: socket.socket, _request: HeardRequest) -> bool:
        for piece in answer:
            connection.sendall(piece)
        return True

    return treatment


def leaves(connection: socket.socket, request: HeardRequest) -> bool:
    """Answer, and close the connection without having said so."""
    answers(connection, request)
    return False


def closes_unanswered(_connection: socket.socket, _request: HeardRequest) -> bool:
    """Close the connection without a word."""
    return False


def breaks_off(connection: socket.socket, _request: HeardRequest) -> bool:
    """Break the connection off without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return False


def stays_silent(connection: socket.socket, _request: HeardRequest) -> bool:
    """Say nothing until the client goes."""
    return bool(connection.recv(1))


def breaks_off_amid_the_next(connection: socket.socket, request: HeardRequest) -> bool:
    """Answer, hear how the next request begins, and break the connection off."""
    answers(connection, request)
    connection.recv(1)
    return breaks_off(connection, request)


def _heard(connection: socket.socket, number: int) -> HeardRequest | None:
    """Return the next request, or None once the client has closed the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (came := connection.recv(1)):
            return None
        head += came
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    body = bytearray()
    while len(body) < int(fields[b"content-length"]):
        if not (came := connection.recv(65536)):
            return None
        body += came
    return HeardRequest(number, head, bytes(body))

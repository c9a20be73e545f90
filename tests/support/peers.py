"""Peers on a real socket that treat a client as no good server would: proxies that say no, ends that fall silent."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
"What a proxy says that lets through."


@dataclass
class Peer:
    """What listens, and how it treats whoever comes."""

    treat: Callable[[socket.socket, "Peer"], None]
    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def posts(self) -> int:
        """How many requests of ours have reached it."""
        return sum(b"POST " in one for one in self.heard)

    def read(self, connection: socket.socket) -> None:
        """Hear what comes next."""
        self.heard.append(connection.recv(65536))


@contextmanager
def listening(treat: Callable[[socket.socket, Peer], None]) -> Iterator[Peer]:
    """Run a peer until the block ends, each connection in a thread."""
    peer, open_now = Peer(treat), list[socket.socket]()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the end of the block may take the connection away
            treat(connection, peer)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the block has ended
                return
            open_now.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer.port = listener.getsockname()[1]
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield peer
        listener.shutdown(socket.SHUT_RDWR)
        for connection in open_now:
            connection.close()
    thread.join()


def says(*answers: bytes) -> Callable[[socket.socket, Peer], None]:
    """Return a peer that gives each thing it hears one of these answers, and closes."""

    def treat(connection: socket.socket, peer: Peer) -> None:
        for answer in answers:
            peer.read(connection)
            connection.sendall(answer)

    return treat


def falls_silent(after: bytes = b"") -> Callable[[socket.socket, Peer], None]:
    """Return a peer that hears a request, says this much, and nothing more."""

    def treat(connection: socket.socket, peer: Peer) -> None:
        peer.read(connection)
        connection.sendall(after)
        while connection.recv(65536):
            continue

    return treat


def hangs_up(connection: socket.socket, peer: Peer) -> None:
    """Hear a request, and close without a word."""
    peer.read(connection)


def resets(connection: socket.socket, peer: Peer) -> None:
    """Hear a request, and break the connection off."""
    peer.read(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def http_refusal(status: int) -> bytes:
    """Return a proxy's page."""
    return b"HTTP/1.1 %d No\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<no>" % status

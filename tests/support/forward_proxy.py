"""A forward proxy on this machine that every name leads through, and a TLS server behind it that plays everybody."""

import base64
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ACCEPTS = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"RFC 6455, 1.3."

_CLOSE = b"\x88"
"The first byte of the frame that closes a connection (RFC 6455, 5.2)."


@dataclass
class ForwardProxy:
    """What a proxy was asked."""

    port: int
    wants: str | None = None
    "The `user:password` that it lets through; None: everybody."
    status: int = 200
    "How it answers CONNECT."
    asked: list[str] = field(default_factory=list)
    "The `host:port` of each CONNECT."
    heard: list[bytes] = field(default_factory=list)
    "The header of each."


@dataclass
class Everybody:
    """Slack, the model and a collector of traces, on one port."""

    port: int = 0
    host: str = "slack.example"
    "Of the address that it gives for Socket Mode."
    requests: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str) -> dict[str, Any]:
        """Note a request, and return what answers it."""
        self.requests.append(f"{method} {path}")
        me = {"team_id": "T1", "user_id": "U0", "bot_id": "B0"}
        return {"ok": True, **me, "url": f"wss://{self.host}:{self.port}/link", "id": "m", "type": "model"}


@contextmanager
def forwarding(*, wants: str | None = None, status: int = 200) -> Iterator[ForwardProxy]:
    """Run a proxy that connects to this machine, whichever host it is asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = ForwardProxy(listener.getsockname()[1], wants, status)
        threading.Thread(target=_accept, args=(listener, proxy), daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def everybody(context: ssl.SSLContext) -> Iterator[Everybody]:
    """Run a server that speaks TLS and is content with every request."""
    plays = Everybody()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = plays.answer(self.command, self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.close_connection = True
            if key := self.headers.get("Sec-WebSocket-Key"):
                accepted = base64.b64encode(hashlib.sha1(f"{key}{_ACCEPTS}".encode()).digest())  # noqa: S324 - RFC 6455
                self._say(101, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accepted})
                while self.rfile.read(1) not in {b"", _CLOSE}:
                    continue
            else:
                body = json.dumps(answer).encode()
                self._say(200, {"Content-Type": "application/json", "Content-Length": len(body), "Connection": "close"})
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the server looks for this name

        def _say(self, status: int, headers: dict[str, Any]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.decode() if isinstance(value, bytes) else str(value))
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: Any, address: Any) -> None:
            with suppress(OSError), context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, address)

    with Server(("127.0.0.1", 0), Answers) as server:
        plays.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield plays
        finally:
            server.shutdown()
            thread.join()


def _accept(listener: socket.socket, proxy: ForwardProxy) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # closed: the block has ended
            return
        threading.Thread(target=_forward, args=(connection, proxy), daemon=True).start()


def _forward(client: socket.socket, proxy: ForwardProxy) -> None:
    """Answer one CONNECT, and pass on what comes after it until one side closes."""
    with client, suppress(OSError):
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            if not (came := client.recv(1)):
                return
            header += came
        place = header.split()[1].decode()
        proxy.asked.append(place)
        proxy.heard.append(header)
        status = proxy.status if _may(header, proxy.wants) else 407
        if status != 200:
            client.sendall(b"HTTP/1.1 %d No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status)
            return
        with socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2]))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            _pass_on(client, server)
            back.join()


def _may(header: bytes, wants: str | None) -> bool:
    if wants is None:
        return True
    fields = dict(line.lower().split(b":", 1) for line in header.split(b"\r\n")[1:] if b":" in line)
    said = fields.get(b"proxy-authorization", b"").strip()
    return said == b"basic " + base64.b64encode(wants.encode()).lower()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while came := one.recv(65536):
            other.sendall(came)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)

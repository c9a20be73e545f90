"""Answers GET /metrics, /healthz and /readyz on an address of the process's own, beside its work.

The address is not the web process's public one: metrics are for the network of whoever runs Deskhand. A port that is
taken never stops a process.
"""

import json
import socket
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from socketserver import TCPServer
from threading import BoundedSemaphore, Thread
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bot.errors import kind
from bot.settings import MetricsAddress
from bot.telemetry import metrics

log = structlog.get_logger()

Process = Literal["web", "socket", "worker", "clock"]
Ready = Callable[[], tuple[bool, Mapping[str, Any]]]
"Returns whether the process is ready, and a JSON object that says why."
TEXT = "text/plain; charset=utf-8"
CLIENT_SECONDS = 5.0
"The longest wait for one client's next bytes."
AT_ONCE = 8
"Answers at a time; further connections are closed at once."


class _Paths:
    METRICS = "/metrics"
    HEALTH = "/healthz"
    READY = "/readyz"


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_SECONDS
    server: "_Server"

    def do_GET(self) -> None:
        """Answer with every metric of the process, with whether it lives, or with whether it is ready."""
        match self.path.partition("?")[0]:
            case _Paths.METRICS:
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._answer(HTTPStatus.OK, content_type, encode(self.server.registry))
            case _Paths.HEALTH:
                self._answer(HTTPStatus.OK, TEXT, b"ok\n")
            case _Paths.READY:
                ready, why = self.server.ready()
                status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, "application/json", json.dumps(why).encode())
            case _:
                self._answer(HTTPStatus.NOT_FOUND, TEXT, b"Only /metrics, /healthz and /readyz are here.\n")

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Return no version: it is nobody's business."""
        return "deskhand"

    def log_message(self, *_of_a_request: Any) -> None:
        """Log nothing of a request."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], registry: CollectorRegistry, ready: Ready) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.registry, self.ready = registry, ready
        self._slots = BoundedSemaphore(AT_ONCE)

    def server_bind(self) -> None:
        """Bind without looking up the host's name, for which some networks have no answer for seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread of its own, or close the connection when there are too many."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one client."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's
        """Log that a scrape was not answered; the process goes on."""
        log.warning("metrics.not_answered", error=kind(sys.exc_info()[1] or OSError()))


def start(
    process: Process, address: MetricsAddress | None, ready: Ready, *, collector: Collector | None = None
) -> Callable[[], None]:
    """Serve the metrics and the health of this process if it has an address; return the function that stops serving.

    Args:
        process: what this process is.
        address: the first free port of it is taken; None serves nothing.
        ready: asked for each `/readyz`; it must answer within two seconds whatever hangs.
        collector: reads further metrics when it is asked.
    """
    if address is None:
        return _nothing
    metrics.PROCESS.labels(process, version("deskhand")).set(1)
    server = _bound(address, ready)
    if server is None:
        return _nothing
    if collector is not None:
        metrics.REGISTRY.register(collector)
    host, port = server.server_address[:2]
    log.info("metrics.served", process=process, host=str(host), port=port)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        if collector is not None:
            metrics.REGISTRY.unregister(collector)

    return stop


def _bound(address: MetricsAddress, ready: Ready) -> _Server | None:
    """Take the first free port of an address; return None, and log it, when there is none."""
    why = ""
    for port in address.ports:
        try:
            return _Server((address.host, port), metrics.REGISTRY, ready)
        except OSError as error:
            why = kind(error)
    log.error("metrics.not_served", address=str(address), why=why)
    return None


def _nothing() -> None:
    """Stop nothing."""

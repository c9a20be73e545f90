"""A collector for the tests: takes OTLP over HTTP, keeps the spans, and can be slow, broken or silent."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class ReceivedSpan:
    """One span as it came over the wire."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    "2 server, 3 client, 1 internal, as the protocol numbers them."
    failed: bool
    started: int
    ended: int
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class OtlpReceiver:
    """What was received, and how requests are answered."""

    url: str = ""
    status: int = 200
    seconds: float = 0.0
    "How long an answer takes."
    requests: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)

    def by_trace(self) -> dict[str, list[ReceivedSpan]]:
        """Return the spans of each trace."""
        found = defaultdict(list)
        for span in self.spans:
            found[span.trace].append(span)
        return found


@contextmanager
def receiving(**how: Any) -> Iterator[OtlpReceiver]:
    """Receive spans until the block ends."""
    seen = OtlpReceiver(**how)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.requests += 1
            seen.headers.append(dict(self.headers))
            time.sleep(seen.seconds)
            if seen.status == 200 and self.path == "/v1/traces":
                seen.spans += _decoded(body)
            self.send_response(seen.status if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_of_a_request: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    seen.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()


def _decoded(body: bytes) -> Iterator[ReceivedSpan]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.name,
                    span.kind,
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    _values(span.attributes),
                    resource,
                )


def _values(pairs: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)

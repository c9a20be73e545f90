"""Sends spans to a collector (OTLP over HTTP), on a thread of its own; whoever makes them never waits for it.

The queue is bounded: with a collector that is dead or slow the oldest spans are lost, counted and never waited for.
Nothing is written to disk. The packages of OpenTelemetry are an extra (`telemetry`), imported only where traces are on.
"""

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from itertools import count
from threading import Event, Thread

import structlog

from bot.errors import kind
from bot.network import Network
from bot.settings import Settings
from bot.telemetry import metrics, spans
from bot.telemetry.metrics import SpanEnd
from bot.telemetry.metrics_server import Process
from bot.telemetry.spans import SpanRecord, Tracing
from bot.telemetry.trace_ids import TraceIds

log = structlog.get_logger()

MOST = 4_096
"Spans that wait at most, some hundred turns; of more, the oldest are lost."
BATCH = 512
"Spans in one request."
PAUSE_SECONDS = 10.0
"Between two looks at the queue: a request costs more than the spans of a turn, so that several turns share one."
END_SECONDS = 1.0
"The longest that the end of a process waits for the last spans."
PATH = "v1/traces"
OWN_CERTIFICATES = frozenset({"OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"})
"OpenTelemetry's own variables for the certificates that it trusts; if one is set, it counts."

Send = Callable[[Sequence[SpanRecord]], bool]
"Sends spans, and returns whether the collector has taken them; it may take many seconds."


class SpanQueue:
    """Spans that wait to be sent, and the thread that sends them."""

    def __init__(self, send: Send, *, most: int = MOST, pause: float = PAUSE_SECONDS) -> None:
        """Start the thread.

        Args:
            send: sends some spans.
            most: how many may wait.
            pause: seconds between two looks.
        """
        self._send, self._pause = send, pause
        self._waiting: deque[SpanRecord] = deque(maxlen=most)
        self._numbers = count()
        self._looks = 0
        self._taken = 0
        "How many spans have left the queue, sent or lost."
        self._failing = False
        self._ended = Event()
        self._thread = Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def take(self, span: SpanRecord) -> None:
        """Add a span, and lose the oldest one if there are too many: an append to a deque and nothing else."""
        self._waiting.append(span)
        next(self._numbers)

    def close(self, seconds: float = END_SECONDS) -> None:
        """Send what waits, and return after so many seconds, whether or not it is sent."""
        self._ended.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._ended.wait(self._pause):
            self._send_all()
        self._send_all()

    def _send_all(self) -> None:
        while batch := list(self._batch()):
            metrics.SPANS.labels(SpanEnd.LOST).inc(self._lost(len(batch)))
            try:
                sent = self._send(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next spans may be sent
                log.warning("traces.crashed", error=kind(error))
                sent = False
            metrics.SPANS.labels(SpanEnd.SENT if sent else SpanEnd.LOST).inc(len(batch))
            self._note(sent=sent)

    def _batch(self) -> Iterator[SpanRecord]:
        for _ in range(BATCH):
            try:
                yield self._waiting.popleft()
            except IndexError:
                return

    def _lost(self, taken: int) -> int:
        """Return how many spans the bounded queue has lost since the last batch."""
        self._taken += taken
        lost = max(0, self._count() - self._taken - len(self._waiting))
        self._taken += lost
        return lost

    def _count(self) -> int:
        """Return how many spans were ever taken; the numbers that are drawn here are none of theirs."""
        self._looks += 1
        return next(self._numbers) - (self._looks - 1)

    def _note(self, *, sent: bool) -> None:
        """Log when the collector goes away and when it is back, and nothing in between."""
        if sent is self._failing:
            self._failing = not sent
            if sent:
                log.info("traces.resumed")
            else:
                log.warning("traces.not_sent")


def start(process: Process, settings: Settings, *, installation: str) -> Callable[[], None]:
    """Make traces in this process if an address for them is set; return the function that ends it.

    Args:
        process: what this process is.
        settings: the address, and the secret from which the ids of traces are made.
        installation: the prefix of its keys in Redis; two with one secret have different ids.
    """
    address, token = address_of(settings), settings.slack_bot_token
    if address is None or token is None:
        return _nothing
    try:
        send = sender(address, process, settings.network)
    except ModuleNotFoundError:
        log.error("traces.not_installed")  # noqa: TRY400 - the table of events says what to do
        return _nothing
    queue = SpanQueue(send)
    spans.switch(Tracing(TraceIds.of(token.get_secret_value(), installation), queue.take))
    log.info("traces.started", process=process)

    def stop() -> None:
        spans.switch(None)
        queue.close()

    return stop


def address_of(settings: Settings) -> str | None:
    """Return the address that spans are sent to, by OpenTelemetry's own rules; None if traces are off."""
    if settings.otel_sdk_disabled:
        return None
    if settings.otel_exporter_otlp_traces_endpoint:
        return settings.otel_exporter_otlp_traces_endpoint
    base = settings.otel_exporter_otlp_endpoint
    return None if base is None else f"{base.rstrip('/')}/{PATH}"


def sender(address: str, process: Process, network: Network) -> Send:
    """Return a function that sends spans to an address by our rule; OpenTelemetry reads its own variables itself.

    Raises:
        ModuleNotFoundError: the extra `telemetry` is not installed.
    """
    import requests  # noqa: PLC0415 - comes with the extra
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - an extra

    from bot.telemetry import span_encoding  # noqa: PLC0415 - needs the extra

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it says the same every second; we say it once
    release = version("deskhand")
    about = {
        "service.name": "deskhand",
        "service.version": release,
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        "deskhand.process": process,
    }
    resource = Resource(about).merge(OTELResourceDetector().detect())  # what the environment says counts
    encode = span_encoding.encoder(resource, InstrumentationScope("deskhand", release))
    session, proxy = requests.Session(), network.proxy_url(address)
    session.trust_env = False
    session.proxies = {} if proxy is None else {"http": proxy, "https": proxy}
    trusted = None if OWN_CERTIFICATES & os.environ.keys() else network.trusted_place
    # The exporter's own client: retries, timeout, compression and headers are as OpenTelemetry has them.
    exporter = OTLPSpanExporter(endpoint=address, session=session, certificate_file=trusted)
    client = exporter._client  # noqa: SLF001 - `export` encodes spans itself

    def send(batch: Sequence[SpanRecord]) -> bool:
        return client.export(encode(batch)).success

    return send


def _nothing() -> None:
    """End nothing."""

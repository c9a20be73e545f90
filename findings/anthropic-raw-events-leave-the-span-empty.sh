#!/usr/bin/env bash
# One would guess: the SDK's own OpenTelemetry span of a call holds the answer's model, usage and stop reason, however
# the application reads the stream that the call returned.
# What happens: only the SDK's typed events fill the span. The same answer read through the stream's `raw_events`, which
# gives event types that are newer than the SDK, leaves model, id, usage and stop reason out, and the span ends OK all
# the same: even when the answer ends with the API's `error` event, for which typed reading raises and the span is ERROR.
# Versions: anthropic 2.12.0, opentelemetry-sdk 1.45.2, Python 3.11. Seen on 2026-11-30.
# Why it matters here: Deskhand reads raw events, so its costs cannot be seen in traces unless it sets them itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check anthropic==2.12.0 opentelemetry-sdk==1.45.2
"$folder/venv/bin/python" - <<'PYTHON'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

from anthropic import Anthropic, APIStatusError
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": [],
    "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 12, "output_tokens": 1},
}
EVENTS = [
    {"type": "message_start", "message": MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]
OVERLOADED = [*EVENTS[:3], {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}]


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        events = OVERLOADED if asked["messages"][0]["content"] == "overload" else EVENTS
        body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
exported = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exported))
client = Anthropic(
    api_key="none", base_url=f"http://127.0.0.1:{server.server_address[1]}", open_telemetry={"tracer_provider": provider}
)
ANSWER = ("gen_ai.response.model", "gen_ai.response.id", "gen_ai.usage.output_tokens", "anthropic.message.stop_reason")


def span_of(read, words):
    """Make one streamed call, read it, and return what its span says of the answer, and its status."""
    exported.clear()
    ask = {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [{"role": "user", "content": words}]}
    try:
        with client.messages.create(**ask, stream=True) as stream:
            list(read(stream))
    except APIStatusError:
        pass
    [span] = exported.get_finished_spans()
    return [name for name in ANSWER if name in span.attributes], span.status.status_code.name


def typed(stream):
    return stream


def raw(stream):
    return stream.raw_events(stream.response)


print("anthropic", version("anthropic"), "opentelemetry-sdk", version("opentelemetry-sdk"))
seen = {(read.__name__, words): span_of(read, words) for words in ("whole", "overload") for read in (typed, raw)}
for (read, words), (attributes, status) in seen.items():
    print(f"{words} answer, {read} events read: {status}, the span has {attributes or 'nothing of the answer'}")
as_stated = (
    seen["typed", "whole"] == (list(ANSWER), "OK")
    and seen["raw", "whole"] == ([], "OK")
    and seen["typed", "overload"][1] == "ERROR"
    and seen["raw", "overload"] == ([], "OK")
)
print("expected: OK with all four, OK with nothing, ERROR, OK with nothing:", as_stated)
sys.exit(0 if as_stated else 1)
PYTHON

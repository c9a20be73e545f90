"""The wire format of spans, beside OpenTelemetry's own encoder: `bot.telemetry.span_encoding`."""

from collections.abc import Mapping
from types import MappingProxyType

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from bot.telemetry import attributes as named
from bot.telemetry import span_encoding
from bot.telemetry.spans import Kind, SpanRecord
from bot.telemetry.turn_record import Value

RESOURCE = Resource({"service.name": "deskhand", "service.version": "1"}, schema_url="https://schema.test/1")
SCOPE = InstrumentationScope("deskhand", "1")
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
KINDS = {"client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}


def span(
    number: int, own: Mapping[str, Value], *, parent: int | None = 9, shared: Mapping[str, Value] = MappingProxyType({})
) -> SpanRecord:
    kind: Kind = "client" if number % 2 else "internal"
    return SpanRecord(2**100 + number, 2**60 + number, parent, f"chat m{number}", kind, 10, 2**60, own, shared)


def as_opentelemetry_has_it(one: SpanRecord) -> ReadableSpan:
    parent = one.parent_id
    return ReadableSpan(
        one.name,
        context=SpanContext(one.trace_id, one.span_id, is_remote=False, trace_flags=SAMPLED),
        parent=None if parent is None else SpanContext(one.trace_id, parent, is_remote=False, trace_flags=SAMPLED),
        resource=RESOURCE,
        attributes=one.attributes,
        kind=KINDS[one.kind],
        status=Status(StatusCode.ERROR if named.ERROR_TYPE in one.attributes else StatusCode.UNSET),
        start_time=one.started_ns,
        end_time=one.ended_ns,
        instrumentation_scope=SCOPE,
    )


def test_a_collector_reads_what_it_would_read_of_opentelemetrys_encoder() -> None:
    """Ids, parents, kinds, failures and every kind of value, in short, long and very long spans, one or many.

    Whether spans share attributes, and whether they share them with all others or with some.
    """
    turns: list[Mapping[str, Value]] = [{"agent": "access", "attempt": number} for number in range(2)]
    spans = [
        span(1, {}),
        span(2, {named.ERROR_TYPE: "Transient"}, parent=None),
        span(3, {"same": 1, "tools": ("resolve", "hand_off"), "none": ()}),
        span(4, {"same": True, "zero": 0, "empty": "", "share": 0.5, "less": -7}),
        span(5, {"same": 1.0, "long": "ä" * 100}),
        span(6, {"same": "1", "very long": "x" * 20_000}),
        span(7, {"same": False, "too long for three bytes": "y" * 2**21}),
        span(8, {}, shared=turns[0]),
        span(9, {"same": 2}, shared=turns[1]),
        span(10, {named.ERROR_TYPE: "Transient"}, shared=turns[0]),
        span(11, {}, shared={**turns[1], named.ERROR_TYPE: "Transient"}),
    ]
    encode = span_encoding.encoder(RESOURCE, SCOPE)
    for batch in ([spans[0]], spans, spans * 40):
        expected = encode_spans([as_opentelemetry_has_it(one) for one in batch])
        assert ExportTraceServiceRequest.FromString(encode(batch)) == expected

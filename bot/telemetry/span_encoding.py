"""Writes spans in the wire format of OTLP (protobuf), as OpenTelemetry's own encoder would, in a fraction of its time.

The spans of a turn say much the same, so what they share is encoded once, as is each attribute with its value, and
the bytes are used again: the encoded fields of a protobuf message may follow each other in any order. A test compares
what a collector reads with what it reads of OpenTelemetry's encoder. Its packages are an extra (`telemetry`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from struct import Struct

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, SpanFlags, Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from bot.telemetry import attributes as named
from bot.telemetry.spans import Kind, SpanRecord
from bot.telemetry.turn_record import Value

KEPT = 4_096
"Attributes with a value whose bytes are kept: those of some hundred turns."
_REQUEST_RESOURCE, _RESOURCE_SCOPE, _SCOPE_SPAN = 1, 2, 2
"Numbers of the fields that hold the resource of a request, the scope of a resource and the span of a scope."
_BYTES = 2
"The wire type of fields that have a length."
_BITS, _LOW, _MORE = 7, 0x7F, 0x80
"A varint has seven bits in each byte, the lowest first; the eighth says that more follow."
_TRACE_ID, _SPAN_ID, _PARENT_ID, _STARTED, _ENDED = b"\x0a\x10", b"\x12\x08", b"\x22\x08", b"\x39", b"\x41"
"What comes before these fields of a span, whose lengths are always the same: 16 bytes for the first, 8 for the others."
_HEAD = Struct("<2s16s2s8scQcQ")
_KINDS = {"client": Span.SPAN_KIND_CLIENT, "internal": Span.SPAN_KIND_INTERNAL}
_FINE, _FAILED = Status(code=Status.STATUS_CODE_UNSET), Status(code=Status.STATUS_CODE_ERROR)

Encode = Callable[[Sequence[SpanRecord]], bytes]
"Returns the request that sends these spans."


def encoder(resource: Resource, scope: InstrumentationScope) -> Encode:
    """Return the encoder of a process, which has written down once what all of its spans share."""
    bare = ReadableSpan("", context=SpanContext(1, 1, is_remote=False), resource=resource, instrumentation_scope=scope)
    [of_resource] = encode_spans([bare]).resource_spans
    [of_scope] = of_resource.scope_spans
    of_scope.ClearField("spans")
    before_spans = of_scope.SerializeToString()
    of_resource.ClearField("scope_spans")
    before_scope = of_resource.SerializeToString()

    def encode(batch: Sequence[SpanRecord]) -> bytes:
        shared = {id(one): _attributes(one) for one in {id(span.shared): span.shared for span in batch}.values()}
        spans = b"".join([_field(_SCOPE_SPAN, _span(one, shared[id(one.shared)])) for one in batch])
        return _field(_REQUEST_RESOURCE, before_scope + _field(_RESOURCE_SCOPE, before_spans + spans))

    return encode


def _span(span: SpanRecord, shared: bytes) -> bytes:
    """Return the bytes of a span; `shared` are those of the attributes that it has from its turn."""
    trace_id, span_id, parent = span.trace_id.to_bytes(16), span.span_id.to_bytes(8), span.parent_id
    failed = named.ERROR_TYPE in span.own or named.ERROR_TYPE in span.shared
    return b"".join(
        [
            _HEAD.pack(_TRACE_ID, trace_id, _SPAN_ID, span_id, _STARTED, span.started_ns, _ENDED, span.ended_ns),
            b"" if parent is None else _PARENT_ID + parent.to_bytes(8),
            _kind_of_span(span.name, span.kind, failed),
            shared,
            _attributes(span.own),
        ]
    )


@lru_cache(KEPT)
def _kind_of_span(name: str, kind: Kind, failed: bool) -> bytes:  # noqa: FBT001 - what is kept has no keywords
    """Return the bytes of what spans of one name share, however many attributes they have."""
    written: bytes = Span(
        name=name,
        kind=_KINDS[kind],
        status=_FAILED if failed else _FINE,
        flags=SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK,
    ).SerializeToString()
    return written


def _attributes(attributes: Mapping[str, Value]) -> bytes:
    return b"".join([_attribute(*one) for one in attributes.items()])


@lru_cache(KEPT, typed=True)
def _attribute(key: str, value: Value) -> bytes:
    """Return the bytes of a span that has one attribute and nothing else."""
    written: bytes = Span(attributes=[KeyValue(key=key, value=_value(value))]).SerializeToString()
    return written


def _value(value: Value) -> AnyValue:
    match value:
        case str():
            return AnyValue(string_value=value)
        case bool():  # before `int`, which every bool is too
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case _:
            return AnyValue(array_value=ArrayValue(values=map(_value, value)))


def _field(number: int, content: bytes) -> bytes:
    return _before(number, len(content)) + content


@lru_cache(KEPT)
def _before(number: int, length: int) -> bytes:
    """Return what comes before the bytes of a field: its number, and their length as a varint."""
    head = bytearray([number << 3 | _BYTES])
    while length >> _BITS:
        head.append(length & _LOW | _MORE)
        length >>= _BITS
    head.append(length)
    return bytes(head)

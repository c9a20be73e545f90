"""Sending spans, and a collector that is away: `bot.telemetry.span_export`."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from typing import Any

import pytest
import structlog

from bot.network import DIRECT
from bot.settings import Settings
from bot.telemetry import attributes as named
from bot.telemetry import metrics, span_export, spans
from bot.telemetry.span_export import SpanQueue
from bot.telemetry.spans import SpanRecord
from tests.support.busy_machine import SOON
from tests.support.metric_values import counted
from tests.support.otlp_receiver import OtlpReceiver, receiving
from tests.support.redis_servers import free_port

TOKEN = "xoxb-secret"


def span(number: int = 1) -> SpanRecord:
    """Return a span that has ended."""
    attributes: dict[str, str | int | tuple[str, ...]] = {
        named.AGENT_NAME: "access",
        named.TURNS: number,
        named.TOOL_SEQUENCE: ("resolve", "hand_off"),
    }
    return SpanRecord(2**100 + number, 2**60 + number, 9, "invoke_agent access", "internal", 10, 20, attributes)


def settings(**more: object) -> Settings:
    """Return the settings of a process, whatever the environment says."""
    defaults = {
        "slack_bot_token": TOKEN,
        "otel_exporter_otlp_endpoint": None,
        "otel_exporter_otlp_traces_endpoint": None,
    }
    return Settings.model_validate({**defaults, "otel_sdk_disabled": False, **more})


@pytest.fixture(autouse=True)
def _no_queue_is_left() -> Iterator[None]:
    """Let no queue of one test count its spans in the next: one that was given up still sends what it has."""
    yield
    for thread in threading.enumerate():
        if thread.name == "spans":
            thread.join(60)
            assert not thread.is_alive(), "a queue was not closed"


def comes(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + 4 * SOON
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def reached(collector: OtlpReceiver, requests: int) -> bool:
    """Return whether so many requests have come."""
    return collector.requests >= requests


def test_a_collector_receives_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the real protocol: ids, names, times, kinds and attributes, and which process made them."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    with receiving() as collector, counted() as since:
        queue = SpanQueue(span_export.sender(f"{collector.url}/v1/traces", "worker", DIRECT), pause=0.02)
        failed = SpanRecord(1, 2, None, "chat m", "client", 10, 20, {named.ERROR_TYPE: "Transient"})
        for one in (span(), failed):
            queue.take(one)
        comes(lambda: len(collector.spans) == 2)
        queue.close()
        assert since() == {"deskhand_spans_total{result=sent}": 2}
    first, second = collector.spans
    assert (int(first.trace, 16), int(first.id, 16), int(first.parent, 16)) == (2**100 + 1, 2**60 + 1, 9)
    assert (first.name, first.kind, first.failed, first.started, first.ended) == (
        "invoke_agent access",
        1,
        False,
        10,
        20,
    )
    assert first.attributes == {
        "gen_ai.agent.name": "access",
        "agent.turns": 1,
        "agent.tool_sequence": ["resolve", "hand_off"],
    }
    assert (second.kind, second.parent, second.failed) == (3, "", True)
    assert first.resource["service.name"] == "deskhand"
    assert first.resource["deskhand.process"] == "worker"
    assert first.resource["deployment.environment.name"] == "test"
    assert collector.headers[0]["x-tenant"] == "blue"


def test_what_all_spans_share_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the metadata of our own package for each span cost four times as much as all the rest of it."""
    asked: list[str] = []
    known = metadata.version

    def noted(package: str) -> str:
        asked.append(package)
        return known(package)

    monkeypatch.setattr(span_export, "version", noted)
    with receiving() as collector:
        send = span_export.sender(f"{collector.url}/v1/traces", "worker", DIRECT)
        before = len(asked)
        assert send([span(number) for number in range(100)])
        assert len(collector.spans) == 100
    assert (before > 0, len(asked)) == (True, before)


def test_a_service_may_have_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenTelemetry's own variables say counts."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "helpdesk")
    with receiving() as collector:
        assert span_export.sender(f"{collector.url}/v1/traces", "clock", DIRECT)([span()])
        assert collector.spans[0].resource["service.name"] == "helpdesk"


@pytest.mark.parametrize(
    ("more", "address"),
    [
        ({}, None),
        ({"otel_exporter_otlp_endpoint": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"otel_exporter_otlp_endpoint": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"otel_exporter_otlp_traces_endpoint": "http://c/x"}, "http://c/x"),
        ({"otel_exporter_otlp_endpoint": "http://c", "otel_exporter_otlp_traces_endpoint": "http://d/t"}, "http://d/t"),
        ({"otel_exporter_otlp_endpoint": "http://c", "otel_sdk_disabled": True}, None),
    ],
)
def test_the_address_is_what_opentelemetry_says(more: dict[str, object], address: str | None) -> None:
    """Traces are off without an address; a base address gets the path of the protocol."""
    assert span_export.address_of(settings(**more)) == address


def test_without_an_address_nothing_is_started() -> None:
    """No thread, no import, no line in the log."""
    before = threading.active_count()
    with structlog.testing.capture_logs() as lines:
        span_export.start("worker", settings(), installation="deskhand:1:")()
    assert (lines, spans._SWITCH.tracing, threading.active_count()) == ([], None, before)


def test_without_the_extra_a_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is missing, and makes no traces."""
    for module in ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk.resources"):
        monkeypatch.setitem(sys.modules, module, None)
    with structlog.testing.capture_logs() as lines:
        span_export.start(
            "worker", settings(otel_exporter_otlp_endpoint="http://127.0.0.1:9"), installation="deskhand:1:"
        )()
    assert [(one["event"], one["log_level"]) for one in lines] == [("traces.not_installed", "error")]
    assert spans._SWITCH.tracing is None


@contextmanager
def troubled(kind: str) -> Iterator[str]:
    """Yield the address of a collector that does not do its work."""
    if kind == "refused":
        yield f"http://127.0.0.1:{free_port()}"
        return
    how: dict[str, dict[str, Any]] = {
        "hanging": {"seconds": SOON},
        "broken": {"status": 500},
        "busy": {"status": 503},
        "slow": {"seconds": 0.5},
    }
    with receiving(**how[kind]) as collector:
        yield collector.url


TROUBLES = ("refused", "hanging", "broken", "busy", "slow")


@pytest.mark.parametrize("kind", TROUBLES)
def test_the_end_of_a_process_waits_for_no_collector(kind: str) -> None:
    """However long its answer takes."""
    with troubled(kind) as url:
        stop = span_export.start("worker", settings(otel_exporter_otlp_endpoint=url), installation="deskhand:1:")
        tracing = spans._SWITCH.tracing
        assert tracing is not None
        for number in range(1_000):
            tracing.take(span(number))
        began = time.monotonic()
        stop()
        assert time.monotonic() - began < SOON / 2
    assert spans._SWITCH.tracing is None


def test_of_too_many_spans_the_oldest_are_lost_and_counted() -> None:
    """While a request hangs, what is made waits in a queue of so many and no more."""
    may_go, sent = threading.Event(), list[SpanRecord]()

    def send(batch: Sequence[SpanRecord]) -> bool:
        may_go.wait(4 * SOON)
        sent.extend(batch)
        return True

    with counted() as since:
        queue = SpanQueue(send, most=100, pause=0.01)
        queue.take(span(0))
        comes(lambda: not queue._waiting)  # the first request hangs
        for number in range(1, 251):
            queue.take(span(number))
        may_go.set()
        comes(lambda: len(sent) == 101)
        queue.close()
        comes(lambda: since().get("deskhand_spans_total{result=sent}") == 101)
        assert since() == {"deskhand_spans_total{result=sent}": 101, "deskhand_spans_total{result=lost}": 150}
    assert [one.attributes[named.TURNS] for one in sent] == [0, *range(151, 251)]


def test_that_a_collector_is_away_is_said_once() -> None:
    """And that it is back; each span that was lost meanwhile is counted."""
    with receiving(status=500) as collector, structlog.testing.capture_logs() as lines, counted() as since:
        queue = SpanQueue(span_export.sender(f"{collector.url}/v1/traces", "worker", DIRECT), pause=0.01)
        for number in range(3):
            queue.take(span(number))
            comes(partial(reached, collector, number + 1))
        comes(lambda: since() == {"deskhand_spans_total{result=lost}": 3})
        collector.status = 200
        queue.take(span())
        comes(lambda: collector.spans)
        queue.close()
    assert [(one["event"], one["log_level"]) for one in lines] == [
        ("traces.not_sent", "warning"),
        ("traces.resumed", "info"),
    ]


def test_a_bug_in_the_sending_ends_nothing() -> None:
    """The next spans are sent."""
    sent: list[SpanRecord] = []

    def send(batch: Sequence[SpanRecord]) -> bool:
        if not sent:
            sent.extend(batch)
            raise ZeroDivisionError
        sent.extend(batch)
        return True

    with structlog.testing.capture_logs() as lines:
        queue = SpanQueue(send, pause=0.01)
        queue.take(span(1))
        comes(lambda: sent)
        queue.take(span(2))
        comes(lambda: len(sent) == 2)
        queue.close()
    assert [one["event"] for one in lines] == ["traces.crashed", "traces.not_sent", "traces.resumed"]


def test_nothing_is_written_to_disk() -> None:
    """A full disk cannot delay what opens no file: neither spans on their way nor a scrape of the metrics."""
    opened: list[tuple[object, ...]] = []
    watching = [True]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching[0] and event == "open" and _writes(arguments):
            opened.append(arguments)

    with receiving() as collector:
        stop = span_export.start(
            "worker", settings(otel_exporter_otlp_endpoint=collector.url), installation="deskhand:1:"
        )
        tracing = spans._SWITCH.tracing
        assert tracing is not None
        sys.addaudithook(watch)
        try:
            for number in range(2_000):
                tracing.take(span(number))
            comes(lambda: len(collector.spans) == 2_000)
            assert metrics.REGISTRY.get_sample_value("deskhand_spans_total", {"result": "sent"})
        finally:
            watching[0] = False  # a hook stays for good
            stop()
    assert opened == []


def _writes(arguments: tuple[object, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    return bool(set(str(mode or "")) & set("wax+")) or bool(isinstance(flags, int) and flags & 3)


def test_the_receiver_of_the_tests_is_a_collector() -> None:
    """What it cannot decode it does not take, so that a test that finds a span has seen a real one."""
    collector = OtlpReceiver()
    assert (collector.status, collector.by_trace()) == (200, {})

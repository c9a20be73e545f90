"""Serving `/metrics` beside a process's work: `bot.telemetry.metrics_server`."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from bot.settings import MetricsAddress
from bot.telemetry import metrics, metrics_server
from tests.support.busy_machine import SOON
from tests.support.redis_servers import free_port

HERE = "127.0.0.1"


def ready() -> tuple[bool, dict[str, bool]]:
    """Return what a process that is ready says."""
    return True, {"ready": True}


@contextmanager
def serving(ports: range) -> Iterator[int]:
    """Serve the metrics of this process on the first free port, and yield it."""
    with structlog.testing.capture_logs() as lines:
        stop = metrics_server.start("worker", MetricsAddress(HERE, ports), ready)
    [line] = [one for one in lines if one["event"] == "metrics.served"]
    try:
        yield int(line["port"])
    finally:
        stop()


def asked(port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> tuple[int, str, str]:
    """Return status, content type and body of an answer."""
    with closing(http.client.HTTPConnection(HERE, port, timeout=4 * SOON)) as client:
        client.request(method, path, headers=headers)
        answer = client.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()


def test_a_scrape_has_every_metric_of_the_process() -> None:
    """As text that Prometheus reads, with which process it is."""
    metrics.know_tools(["look_up_my_account"])
    with serving(range(1)) as port:
        status, kind, body = asked(port)
        open_metrics = asked(port, Accept="application/openmetrics-text; version=1.0.0")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert {"agent_requests", "agent_tool_calls", "agent_request_duration_seconds", "process_cpu_seconds"} <= set(
        families
    )
    assert [sample.labels["process"] for sample in families["deskhand_process_info"].samples] == ["worker"]
    assert "_created" not in body
    assert open_metrics[1].startswith("application/openmetrics-text")
    assert open_metrics[2].endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metricsx", "/debug", "/../metrics", "http://elsewhere/metrics"])
def test_nothing_else_is_served(path: str) -> None:
    """The port tells metrics and health, and nothing more."""
    with serving(range(1)) as port:
        assert asked(port, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n")
        assert asked(port, "/readyz") == (200, "application/json", '{"ready": true}')
        assert asked(port, path)[0] == 404
        assert asked(port, "/metrics?name[]=agent_turns")[0] == 200
        assert asked(port, "/metrics", "POST")[0] == 501


def test_without_an_address_nothing_listens() -> None:
    """Metrics are off until somebody says where."""
    with structlog.testing.capture_logs() as lines:
        metrics_server.start("worker", None, ready)()
    assert lines == []


def test_processes_of_one_host_share_a_range() -> None:
    """Each takes the first port that is free, so one setting serves several workers."""
    first = free_port(in_a_row=3)
    with serving(range(first, first + 3)) as one, serving(range(first, first + 3)) as other:
        assert first <= one < other < first + 3
        assert asked(one)[0] == asked(other)[0] == 200


def test_a_port_that_is_taken_is_said_and_stops_nothing() -> None:
    """The process goes on, and its log names the address."""
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        with structlog.testing.capture_logs() as lines:
            stop = metrics_server.start("clock", MetricsAddress(HERE, range(port, port + 1)), ready)
        stop()
    [line] = lines
    assert (line["event"], line["log_level"], line["address"]) == ("metrics.not_served", "error", f"{HERE}:{port}")


def test_clients_that_say_nothing_hold_up_neither_a_scrape_nor_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is dropped after some seconds; those above the most are dropped at once."""
    monkeypatch.setattr(metrics_server._Handler, "timeout", 0.3)
    with serving(range(1)) as port:
        silent = [socket.create_connection((HERE, port)) for _ in range(3 * metrics_server.AT_ONCE)]

        def answered() -> bool:
            try:
                return asked(port)[0] == 200
            except OSError:
                return False

        assert comes(answered)
        for one in silent:
            one.settimeout(4 * SOON)
            assert one.recv(1) == b""
            one.close()


def comes(condition: Callable[[], bool]) -> bool:
    """Return whether a condition comes to hold."""
    until = time.monotonic() + 4 * SOON
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_a_client_that_hangs_up_is_a_line_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong with one answer is logged without a traceback on the terminal, and the next is answered."""

    def broken(_accept: str) -> object:
        raise ConnectionResetError

    with serving(range(1)) as port, structlog.testing.capture_logs() as lines:
        with monkeypatch.context() as patch:
            patch.setattr(metrics_server, "choose_encoder", broken)
            with pytest.raises((http.client.HTTPException, OSError)):
                asked(port)
        assert asked(port)[0] == 200
    assert [(one["event"], one["error"]) for one in lines] == [("metrics.not_answered", "ConnectionResetError")]

"""The HTTP server under clients that behave badly: real sockets against the app that is served, with small limits."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from bot.web import server
from bot.web.entrance import ClientLimits
from tests.support.busy_machine import SOON
from tests.support.signed_requests import FRONT_SECRET, sign
from tests.support.web_harness import FrontDoor, opened_for_all

LIMITS = ClientLimits(body_seconds=0.3, head_seconds=0.4, answer_seconds=2.0, idle_seconds=1, connections=8)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = json.dumps({"type": "url_verification", "challenge": "c4t"}).encode()


@pytest.fixture(scope="module")
def front(_sqlite: Path, _shared_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """Serve the door with small limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "GRACE_SECONDS", 0.2)
        with opened_for_all(_sqlite, _shared_redis, tmp_path_factory.mktemp("server"), limits=LIMITS) as front:
            yield front


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time limit end a connection where a test is about something else: a busy machine may be late for it."""
    monkeypatch.setattr(server.BoundedProtocol, "_watch", lambda _protocol: None)


def connected(front: FrontDoor) -> socket.socket:
    """Open a connection."""
    place = urlsplit(front.url)
    return socket.create_connection((str(place.hostname), place.port), timeout=60)


def head(more: str | None = None, *, body: bytes = BODY, length: int | None = None, signed: bool = True) -> bytes:
    """Return the headers of a request, signed now unless told otherwise."""
    stamp = str(int(time.time()))
    told = ["POST /slack/events HTTP/1.1", "Host: x", "Content-Type: application/json"]
    told += (
        [f"X-Slack-Request-Timestamp: {stamp}", f"X-Slack-Signature: {sign(body, stamp, FRONT_SECRET)}"]
        if signed
        else []
    )
    told += [f"Content-Length: {len(body) if length is None else length}"] if length != 0 else []
    return "\r\n".join([*told, *([more] if more else []), "", ""]).encode()


def heard(client: socket.socket, *, drip: bytes = b"") -> bytes:
    """Return what a connection brings until the other side closes it; meanwhile drip."""
    began, said = time.monotonic(), b""
    client.settimeout(0.03 if drip else SOON)
    while time.monotonic() - began < SOON:
        try:
            more = client.recv(65536)
            if not more:
                return said
            said += more
        except TimeoutError:
            try:
                client.sendall(drip)
            except OSError:
                return said
        except OSError:
            return said
    pytest.fail(f"the connection was held: {said!r}")


@pytest.mark.parametrize(
    ("sent", "drip", "answer"),
    [
        pytest.param(b"", b"", b"408", id="says nothing"),
        pytest.param(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Odd: ", b"x", b"408", id="headers that never end"),
        pytest.param(b"", b"\r\n", b"400", id="empty lines"),
        pytest.param({"length": 100}, b"x", b"408", id="a body that never ends"),
        pytest.param({"length": 100}, b"", b"408", id="a body that never begins"),
        pytest.param(
            {"more": "Transfer-Encoding: chunked", "length": 0}, b"1\r\nx\r\n", b"408", id="chunks that never end"
        ),
        pytest.param({"length": 100, "signed": False}, b"x", b"401", id="an unsigned body that never ends"),
        pytest.param({"length": 9_000_000}, b"x" * 60_000, b"413", id="a long body that never ends"),
        pytest.param(HEALTH + b"GET /hea", b"l", b"200", id="a second one that never ends"),
        pytest.param(HEALTH, b"", b"200", id="no second one"),
        pytest.param(b"GET / HTTP/1.1\r\nX-Odd: " + b"x" * 20_000, b"", b"400", id="headers without measure"),
    ],
)
def test_nothing_is_held(front: FrontDoor, sent: bytes | dict[str, Any], drip: bytes, answer: bytes) -> None:
    """However slowly a client sends, its connection ends within seconds of what it waits for."""
    with closing(connected(front)) as client:
        client.sendall(sent if isinstance(sent, bytes) else head(**sent))
        said = heard(client, drip=drip)
    assert said.startswith(b"HTTP/1.1 " + answer), said
    if answer == b"408":
        assert b"connection: close" in said.lower()


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /slack/events HTTP/1.1\r\n\r\n",
        b"POST /slack/events HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /slack/events HTTP/1.0\r\n\r\n",
        b"DELETE /slack/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /slack/events/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET /%00%ff%2e%2e/?%zz HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n",
        b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 200,
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        + b"".join(b"X-%d: y\r\n" % n for n in range(900))
        + b"\r\n",
    ],
)
@pytest.mark.usefixtures("unhurried")
def test_whatever_is_no_request_of_slacks_is_one_short_answer(front: FrontDoor, sent: bytes) -> None:
    """None of ours to mend, no redirect to where its headers say, and nothing of it in the log."""
    with capture_logs() as said, closing(connected(front)) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answer = heard(client)
    assert answer == b"" or answer[9] == ord("4") or b"/readyz" in sent, answer
    assert b"location" not in answer.lower()
    assert b"server: uvicorn" not in answer.lower()
    assert {one["event"] for one in said} <= {"request.refused", "requests.refused"}
    assert "evil.example" not in str(said)


@pytest.mark.usefixtures("unhurried")
def test_connections_are_bounded(front: FrontDoor) -> None:
    """One too many is answered 503; many too many are closed at once; then all is as before."""
    with ExitStack() as opened_ones:
        clients = [opened_ones.enter_context(closing(connected(front))) for _ in range(LIMITS.connections)]
        clients[-1].sendall(HEALTH)
        assert clients[-1].recv(100).startswith(b"HTTP/1.1 503")
        clients += [opened_ones.enter_context(closing(connected(front))) for _ in range(LIMITS.connections + 2)]
        with suppress(ConnectionResetError):
            assert clients[-1].recv(100) == b""
    until = time.monotonic() + SOON
    while front.get("/healthz")[0] == 503:  # until it has seen that they are closed
        assert time.monotonic() < until
    assert front.get("/healthz") == (200, "ok")


def test_answers_that_nobody_reads_hold_no_connection(front: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks and asks and reads nothing is cut off once it is idle: closing would wait for it to read."""
    made, lost = server.BoundedProtocol.connection_made, server.BoundedProtocol.connection_lost
    ended = Event()

    def made_small(protocol: server.BoundedProtocol, transport: asyncio.Transport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        made(protocol, transport)

    def told(protocol: server.BoundedProtocol, exc: Exception | None) -> None:
        lost(protocol, exc)
        ended.set()

    monkeypatch.setattr(server.BoundedProtocol, "connection_made", made_small)
    monkeypatch.setattr(server.BoundedProtocol, "connection_lost", told)
    place = urlsplit(front.url)
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.connect((str(place.hostname), place.port))
        client.sendall(HEALTH * 200)  # far more than both sockets hold, and less than what makes the server wait
        assert ended.wait(120)


@pytest.mark.usefixtures("unhurried")
def test_who_leaves_half_way_is_no_error(front: FrontDoor, caplog: pytest.LogCaptureFixture) -> None:
    """Neither before nor within a body: no traceback, and the next request is served."""
    caplog.set_level(logging.INFO)
    for sent in (head(length=100) + b"x", head(length=100), b"POST /sla", head(signed=False, length=100) + b"x"):
        with closing(connected(front)) as client:
            client.sendall(sent)
    assert front.post(BODY)[0] == 200
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


@pytest.mark.usefixtures("unhurried")
def test_who_asks_first_is_told_before_the_body(front: FrontDoor) -> None:
    """A client that waits to be let in is turned away without a body, and one that may come is told so."""
    with closing(connected(front)) as client:
        client.sendall(head("Expect: 100-continue", length=9_000_000))
        assert client.recv(1000).startswith(b"HTTP/1.1 413")
    with closing(connected(front)) as client:
        client.sendall(head("Expect: 100-continue"))
        assert client.recv(1000).startswith(b"HTTP/1.1 100")
        client.sendall(BODY)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")

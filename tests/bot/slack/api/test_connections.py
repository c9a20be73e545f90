"""Connections to Slack are kept and used again, and what is known of a failed request is as certain as on a new one."""

import gc
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import OutcomeUnknown, Transient
from bot.sandbox.methods import METHODS
from bot.slack.api import client as slack
from bot.slack.api import connections, response_urls
from bot.slack.api.client import WebClient
from bot.slack.outbox import enclosures
from tests.support import private_ca
from tests.support.live_server import PATIENCE
from tests.support.private_ca import PrivateCa
from tests.support.scripted_slack import (
    WAYS,
    HeardRequest,
    ScriptedSlack,
    Treatment,
    answers,
    answers_with,
    breaks_off,
    breaks_off_amid_the_next,
    closes_unanswered,
    leaves,
    ok,
    reads,
    scripted,
    stays_silent,
    transient,
    writes,
)

CALLS = (reads, writes)
READING = {"getPermalink", "history", "info", "list", "lookupByEmail", "members", "replies", "test"}
"Verbs of Slack's methods that change nothing."
LONG = "x" * 16_000_000
"More than the buffers between two ends hold."


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    """Make one authority."""
    return private_ca.make(tmp_path_factory.mktemp("ca"), "slack.example")


@pytest.fixture(autouse=True)
def however_busy_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no connection grow old by itself."""
    monkeypatch.setattr(connections, "REUSE_SECONDS", 3600.0)


@contextmanager
def at_slack(ca: PrivateCa, *script: Treatment, way: str = "plain") -> Iterator[tuple[ScriptedSlack, WebClient]]:
    """Run a Slack that treats its first requests so."""
    with scripted(way, ca) as (place, client):
        place.script[:] = script
        yield place, client


def kept(client: WebClient) -> list[Any]:
    """Return the connections that are kept."""
    return [one.connection for idle in client._connections._idle.values() for one in idle]


def until_it_has_something(client: WebClient) -> None:
    """Wait until the one that is kept has something to read, be it its end."""
    [connection] = kept(client)
    assert select.select([connection.sock], [], [], PATIENCE)[0]


def gathered(count: int) -> Treatment:
    """Return a treatment that answers once so many requests are there at the same time."""
    barrier = threading.Barrier(count)

    def treatment(connection: Any, request: HeardRequest) -> bool:
        barrier.wait(PATIENCE)
        return answers(connection, request)

    return treatment


@pytest.mark.parametrize("way", WAYS)
def test_the_calls_of_a_turn_use_one_connection(ca: PrivateCa, way: str) -> None:
    """Whichever way it leads; a proxy that reads along is shown its password with each, a tunnel once."""
    with at_slack(ca, way=way) as (place, client):
        for _ in range(2):
            reads(client)
            writes(client)
        assert place.came_on == [1, 1, 1, 1]
        shown = [b"Proxy-Authorization: Basic " in one.head for one in place.heard]
        assert shown == [way == "proxied"] * 4
        assert all(b"onnection: close" not in one.head for one in place.heard)


@pytest.mark.parametrize("way", WAYS)
def test_one_that_was_closed_meanwhile_is_replaced(ca: PrivateCa, way: str) -> None:
    """It is noticed before anything is sent, so that what must not be said twice is said."""
    with at_slack(ca, leaves, way=way) as (place, client):
        writes(client)
        until_it_has_something(client)
        writes(client)
        assert place.came_on == [1, 2]


@pytest.mark.parametrize("way", ["plain", "tls"])
def test_one_with_bytes_that_nobody_asked_for_is_replaced(ca: PrivateCa, way: str) -> None:
    """They would be taken for the next answer; over TLS they may be in the library, where the system sees nothing."""
    with at_slack(ca, answers_with(ok() + ok(b"1" * 16_000)), way=way) as (place, client):
        writes(client)
        if way == "plain":
            until_it_has_something(client)
        assert writes(client) > 0
        assert place.came_on == [1, 2]


@pytest.mark.parametrize("way", WAYS)
def test_a_hang_up_on_the_way_is_asked_once_more_or_told(ca: PrivateCa, way: str) -> None:
    """What reads is asked on a new connection; what writes may have been done, and is heard once."""
    with at_slack(ca, answers, closes_unanswered, way=way) as (place, client):
        reads(client)
        reads(client)
        assert place.came_on == [1, 1, 2]
    with at_slack(ca, answers, closes_unanswered, way=way) as (place, client):
        writes(client)
        assert transient(client, writes) is OutcomeUnknown
        assert place.came_on == [1, 1]


def test_a_connection_that_breaks_off_is_a_hang_up(ca: PrivateCa) -> None:
    """A server that dies sends a reset."""
    with at_slack(ca, answers, breaks_off) as (place, client):
        reads(client)
        reads(client)
        assert place.came_on == [1, 1, 2]
    with at_slack(ca, answers, breaks_off) as (place, client):
        reads(client)
        assert transient(client, writes) is OutcomeUnknown
        assert place.came_on == [1, 1]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("treatment", [closes_unanswered, breaks_off])
def test_nothing_is_asked_twice_on_new_connections(
    ca: PrivateCa, treatment: Treatment, call: Callable[[WebClient], Any]
) -> None:
    """There the server has not waited for us in vain; and one more try is all that a kept one gets."""
    with at_slack(ca, treatment) as (place, client):
        assert transient(client, call) is OutcomeUnknown
        assert place.came_on == [1]
    with at_slack(ca, answers, closes_unanswered, treatment) as (place, client):
        reads(client)
        assert transient(client, reads) is OutcomeUnknown
        assert place.came_on == [1, 1, 2]


def test_silence_is_not_asked_twice(ca: PrivateCa) -> None:
    """Who waits for a person has waited long enough."""
    with at_slack(ca, answers, stays_silent) as (place, client):
        reads(client)
        client.timeout = 0.3  # type: ignore[assignment]  # seconds may be a fraction
        assert transient(client, reads) is OutcomeUnknown
        assert place.opened == 1


def test_a_second_try_has_the_time_that_the_first_has_left(ca: PrivateCa, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is made twice takes no longer than one."""
    waits: list[float] = []
    opened = connections._Place.connection

    def noting(place: Any, network: Any, seconds: float) -> Any:
        waits.append(seconds)
        return opened(place, network, seconds)

    def hesitates(connection: Any, request: HeardRequest) -> bool:
        time.sleep(0.2)
        return closes_unanswered(connection, request)

    monkeypatch.setattr(connections._Place, "connection", noting)
    with at_slack(ca, answers, hesitates) as (_, client):
        reads(client)
        reads(client)
    [first, second] = waits
    assert second <= first - 0.2


def test_a_request_that_did_not_leave_whole_is_sent_on_a_new_one(ca: PrivateCa) -> None:
    """Nobody can have acted on half of it, so it is said, and said once."""
    with at_slack(ca, breaks_off_amid_the_next) as (place, client):
        reads(client)
        assert writes(client, LONG) > len(LONG)
        assert place.came_on == [1, 2]


def test_a_request_that_does_not_leave_in_time_is_tried_later(ca: PrivateCa) -> None:
    """As on a new connection, and not on another one at once."""
    with at_slack(ca) as (place, client):
        ends = threading.Event()
        place.script.append(lambda *told: answers(*told) and ends.wait(PATIENCE))
        reads(client)
        client.timeout = 0.3  # type: ignore[assignment]  # seconds may be a fraction
        assert transient(client, lambda one: writes(one, LONG)) is Transient
        assert place.opened == 1
        ends.set()


NOT_AGAIN = {
    "it says that it closes": ok(b'{"ok": true}', "HTTP/1.1 200 OK", "Connection: close"),
    "it knows no kept connections": ok(b'{"ok": true}', "HTTP/1.0 200 OK"),
    "it is in trouble": ok(b"<html>", "HTTP/1.1 503 Service Unavailable"),
    "its answer is yet to come": b"HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n",
    "it leads elsewhere": ok(b"", "HTTP/1.1 302 Found", "Location: /elsewhere"),
}


@pytest.mark.parametrize("why", NOT_AGAIN)
def test_only_a_plain_answer_keeps_its_connection(ca: PrivateCa, why: str) -> None:
    """After any other one nobody knows where the next answer begins, or whether there is one."""
    with at_slack(ca, answers_with(NOT_AGAIN[why])) as (place, client):
        transient(client, lambda one: slack.call(one.users_info, user="U1"))
        writes(client)
        assert place.came_on == [1, 2]


def test_an_answer_that_is_not_read_to_its_end_ends_its_connection(ca: PrivateCa) -> None:
    """Its rest would be taken for the next answer."""
    much = ok(b"1" * (response_urls.MOST_READ + 1))
    with at_slack(ca, answers_with(much), answers) as (place, client):
        for _ in range(3):
            response_urls.respond(client, client.base_url.replace("api/", "commands/1"), {"text": "hello"})
        assert place.came_on == [1, 2, 2]


def test_a_proxy_that_wants_another_password_is_told(ca: PrivateCa) -> None:
    """One that reads along answers itself, on a new connection or on a kept one; Slack has not heard of it."""
    refuses = answers_with(ok(b"", "HTTP/1.1 407 Proxy Authentication Required"))
    with at_slack(ca, refuses, answers, refuses, way="proxied") as (place, client):
        for call in (reads, writes):
            with pytest.raises(Transient, match="does not take the user name and password in HTTP_PROXY") as raised:
                call(client)
            assert type(raised.value) is Transient
            reads(client)
        assert place.came_on == [1, 2, 2, 3]


@pytest.mark.parametrize("status", [103, 302, 404, 500])
def test_an_upload_that_is_not_taken_is_tried_again(ca: PrivateCa, status: int) -> None:
    """A redirect is no success, and is not followed."""
    with at_slack(ca, answers_with(ok(b"", f"HTTP/1.1 {status} No", "Location: /elsewhere"))) as (place, client):
        with pytest.raises(Transient, match=f"upload http_{status}"):
            enclosures._send(client, client.base_url, b"hello")
        assert place.came_on == [1]


def test_an_aged_one_is_not_used_again(ca: PrivateCa, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may be closing it now; it is closed by us."""
    with at_slack(ca) as (place, client):
        writes(client)
        monkeypatch.setattr(connections, "REUSE_SECONDS", 0.0)
        writes(client)
        assert place.came_on == [1, 2]
        assert place.was_left()


def test_few_are_kept_and_none_that_is_old(ca: PrivateCa, monkeypatch: pytest.MonkeyPatch) -> None:
    """What many calls at once have opened is closed, and the rest once it is old, though another is in use."""
    monkeypatch.setattr(connections, "MOST_IDLE", 2)
    with at_slack(ca, *[gathered(5)] * 5) as (place, client):
        with ThreadPoolExecutor(5) as threads:
            list(threads.map(lambda _: reads(client), range(5)))
        assert all(place.was_left() for _ in range(3))
        assert len(kept(client)) == 2
        [idle] = client._connections._idle.values()
        idle[0] = replace(idle[0], since=idle[0].since - 3601)
        reads(client)
        assert place.was_left()
        assert len(kept(client)) == 1
        assert place.opened == 5


def test_twenty_threads_get_their_own_answers(ca: PrivateCa) -> None:
    """No two are on one connection at the same time."""
    with at_slack(ca, *[gathered(20)] * 20, way="tls") as (place, client):

        def talks(length: int) -> list[int]:
            return [writes(client, "x" * length) - length for _ in range(10)]

        with ThreadPoolExecutor(20) as threads:
            [around] = {extra for said in threads.map(talks, range(1, 21)) for extra in said}
        assert around > 0
        assert (len(place.heard), place.opened) == (200, 20)
        assert len(kept(client)) <= connections.MOST_IDLE


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # the server is a thread of this process
@pytest.mark.parametrize("way", ["plain", "tls"])
def test_a_forked_child_opens_its_own(ca: PrivateCa, way: str) -> None:
    """Two processes on one connection would read each other's answers; the child's end is not its parent's."""
    with at_slack(ca, way=way) as (place, client):
        writes(client)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                writes(client)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        writes(client)
        assert place.came_on == [1, 2, 1]


def test_the_local_workspace_keeps_them_too(client: WebClient) -> None:
    """What is tried there is what runs against Slack."""
    used = set()
    for _ in range(3):
        slack.call(client.chat_postMessage, channel="C0HELP", text="hello")
        [connection] = kept(client)
        used.add(connection.sock.getsockname())
    assert len(used) == 1


def test_only_methods_that_read_may_be_asked_twice() -> None:
    """Each is one that exists, and none has a scope with which something is changed."""
    for name in slack.READS:
        method = METHODS[name]
        assert method.family in {"read", "history", None}
        assert all(":read" in scope for scope in method.scopes)
        assert name.split(".")[-1] in READING


def test_what_a_client_has_kept_ends_with_it(ca: PrivateCa) -> None:
    """Who signs in has a client of their own for one call."""
    with scripted("plain", ca) as (place, client):
        reads(client)
        del client
        gc.collect()
        assert place.was_left()


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/", "https://", "http://[::1", "http://a:b/", "x"]
)
def test_an_address_that_leads_nowhere_is_worth_another_try(client_of_nobody: WebClient, url: str) -> None:
    """Slack gives the address of an upload; nothing is read from this machine for it."""
    with pytest.raises(Transient, match=r"slack: no connection: (Key|Value)Error"):
        enclosures._send(client_of_nobody, url, b"hello")


@pytest.fixture
def client_of_nobody(ca: PrivateCa) -> WebClient:
    """Return a client whose server is gone."""
    with scripted("plain", ca) as (_, client):
        return client

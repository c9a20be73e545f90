"""Where a command may be answered: Slack and nowhere else, whoever says otherwise."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bot.errors import Transient
from bot.network import DIRECT
from bot.slack.api import client as slack
from bot.slack.api import response_urls
from bot.slack.api.client import Rejected

SLACK, OWN = "https://slack.com/api/", "http://127.0.0.1:8765/api/"
HOOK = "https://hooks.slack.com/commands/T0DESKHAND/397700885554/96rGlfmibIGlgcZRskXaIFfN"


@pytest.mark.parametrize("of", ["commands", "actions", "app-actions", "app"])
def test_slacks_own_addresses_are_taken(of: str) -> None:
    """For a command, a button, a shortcut and a form."""
    assert response_urls.is_slacks(HOOK.replace("commands", of), SLACK)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://hooks.slack.com",
        "https://hooks.slack.com/",
        "http://hooks.slack.com/commands/1",
        "HTTPS://hooks.slack.com/commands/1",
        "https://HOOKS.slack.com/commands/1",
        "https://hooks.slack.com:443/commands/1",
        "https://hooks.slack.com:8443/commands/1",
        "https://hooks.slack.com./commands/1",
        "https://hooks.slack.com.evil.example/commands/1",
        "https://hooks.slack.com@evil.example/commands/1",
        "https://evil.example@hooks.slack.com/commands/1",
        "https://evil.example/https://hooks.slack.com/commands/1",
        "https://evil.example#https://hooks.slack.com/commands/1",
        "https://hooks.slack.com\\@evil.example/1",
        "https://hooks.slack.com/\\evil.example",
        "https://hooks.slack.com/commands/../../evil",
        "https://hooks.slack.com/commands/%2e%2e/evil",
        "https://hooks.slack.com/commands/1?to=evil",
        "https://hooks.slack.com/commands/1#evil",
        "https://hooks.slack.com/commands/1 ",
        "https://hooks.slack.com/commands/1\n",
        "https://hooks.slack.com/commands/1\r\nHost: evil.example",
        "https://hooks.slack.com/commands/é",
        " https://hooks.slack.com/commands/1",
        "https://hooks.slack.com/" + "a" * 501,
        "//hooks.slack.com/commands/1",
        "file:///etc/passwd",
        "ftp://hooks.slack.com/1",
        "http://127.0.0.1:8765/commands/1",
        "http://169.254.169.254/latest",
        "https://slack.com/commands/1",
        "https://slack.com/api/chat.postMessage",
    ],
)
def test_every_other_address_is_refused(url: str) -> None:
    """In production there is one place; what only looks like it is none."""
    assert not response_urls.is_slacks(url, SLACK)


def test_a_workspace_of_ones_own_takes_its_answers_itself() -> None:
    """The demo's own place and Slack's, and no port beside it."""
    assert response_urls.is_slacks("http://127.0.0.1:8765/commands/T1/2/abc", OWN)
    assert response_urls.is_slacks(HOOK, OWN)
    for other in ("http://127.0.0.1:8766/commands/1", "http://127.0.0.1:87650/1", "http://127.0.0.1/commands/1"):
        assert not response_urls.is_slacks(other, OWN)


@contextmanager
def answering(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server that answers everything so, and the list of what it was asked."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the server looks for this name

        def log_message(self, *_said: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked
        finally:
            server.shutdown()
            thread.join()


def respond(place: str) -> None:
    """Answer a command there."""
    client = slack.connect(token="", base_url=f"{place}api/", network=DIRECT)
    response_urls.respond(client, f"{place}commands/1", {"text": "words"})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """Not even to the same place: what was asked for is all that is asked."""
    with answering(status, Location="/elsewhere") as (place, asked):
        with pytest.raises(Rejected, match=f"http_{status}"):
            respond(place)
        assert asked == ["POST /commands/1"]


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (404, b'{"ok": false, "error": "expired_url"}', Rejected, "slack: expired_url"),
        (400, b"invalid_blocks", Rejected, "slack: invalid_blocks"),
        (400, b"you said: marked-word", Rejected, "slack: http_400"),
        (400, b'{"error": "marked-word"}', Rejected, "slack: http_400"),
        (400, b"\xff" * 20_000, Rejected, "slack: http_400"),
        (429, b"marked-word", Transient, "slack: http_429"),
        (500, b"marked-word", Transient, "slack: http_500"),
    ],
)
def test_a_refusal_is_slacks_word_or_none(status: int, body: bytes, error: type[Exception], says: str) -> None:
    """Never a text that may repeat what was sent."""
    with answering(status, body) as (place, _), pytest.raises(error) as raised:
        respond(place)
    assert str(raised.value) == says


def test_an_address_is_looked_at_again_when_it_is_used() -> None:
    """It has been in a row since it came."""
    client = slack.connect(token="", base_url=SLACK, network=DIRECT)
    with answering(200) as (place, asked):
        with pytest.raises(Rejected, match="response_url_refused"):
            response_urls.respond(client, f"{place}commands/1", {})
        respond(place)
        assert asked == ["POST /commands/1"]


def test_an_answer_that_cannot_be_sent_is_tried_again() -> None:
    """Nobody has heard it."""
    with answering(200) as (place, _):
        pass
    with pytest.raises(Transient, match="no connection"):
        respond(place)

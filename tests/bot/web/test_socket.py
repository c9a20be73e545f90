"""Socket Mode: what the same listeners hear over a connection of ours."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from typing import Any, cast

import pytest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from structlog.testing import capture_logs

from bot.errors import ConfigError
from bot.health.findings import Finding
from bot.network import DIRECT
from bot.slack.api import async_client, socket_client
from bot.web.bolt import request_of
from bot.web.socket import SocketListener
from tests.support.local_workspace import LocalWorkspace
from tests.support.request_delivery import SocketClient
from tests.support.slack_requests import REQUEST_KINDS
from tests.support.worker_harness import wait_for


class App:
    """What Bolt is asked to dispatch."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.retried: list[bool] = []

    async def async_dispatch(self, asked: Any) -> BoltResponse:
        """Note one."""
        self.heard.append(asked.body)
        self.retried.append(asked.context["retried"])
        return BoltResponse(status=200)


def hears(payload: Any) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Return what Bolt is given of an envelope, what is acknowledged and what is logged."""
    app, client = App(), SocketClient()
    ctx = SocketListener(cast("Any", app), "xapp-front", DIRECT)
    envelope = SocketModeRequest(type="events_api", envelope_id="e1", payload={})
    envelope.payload = payload
    with capture_logs() as said:
        asyncio.run(ctx.handle(cast("Any", client), envelope))
    return app.heard, client.acknowledged, [str(one) for one in said]


def test_what_slack_sends_is_heard_and_acknowledged() -> None:
    """In characters that a database can hold."""
    said = {**REQUEST_KINDS["mention"], "event": {**REQUEST_KINDS["mention"]["event"], "text": "a\x00b\ud800"}}
    heard, acknowledged, logged = hears(said)
    assert (heard[0]["event"]["text"], acknowledged, logged) == ("ab?", ["e1"], [])


@pytest.mark.parametrize(("attempt", "retried"), [(None, False), (0, False), (1, True)])
def test_what_slack_tries_again_is_known_as_that(attempt: int | None, *, retried: bool) -> None:
    """The first try has no number over HTTP, and the number 0 here."""
    app = App()
    envelope = SocketModeRequest("events_api", "e1", REQUEST_KINDS["mention"], retry_attempt=attempt)
    asyncio.run(SocketListener(cast("Any", app), "xapp-front", DIRECT).handle(cast("Any", SocketClient()), envelope))
    assert app.retried == [retried]


@pytest.mark.parametrize("payload", [{"type": ["marked-word"]}, {"event": "marked-word"}, {"type": "view_submission"}])
def test_what_nobody_could_read_is_left(payload: object) -> None:
    """It is not acknowledged, ends nothing, and none of it is logged."""
    heard, acknowledged, [logged] = hears(payload)
    assert (heard, acknowledged) == ([], [])
    assert "marked-word" not in logged


@pytest.mark.parametrize("payload", [None, [], "marked-word", 7, {"type": "event_callback", "event": None}])
def test_an_envelope_without_a_request_is_left(payload: object) -> None:
    """Slack may send it empty; the connection goes on."""
    heard, acknowledged, [logged] = hears(payload)
    assert (heard, acknowledged) == ([], [])
    assert "marked-word" not in logged


def test_what_breaks_in_bolt_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not acknowledged, so that Slack sends it again, and the log has no word of it."""

    async def broken(_app: App, _asked: object) -> BoltResponse:
        raise RuntimeError("marked-word")

    monkeypatch.setattr(App, "async_dispatch", broken)
    heard, acknowledged, [logged] = hears(REQUEST_KINDS["mention"])
    assert (heard, acknowledged) == ([], [])
    assert ("request.crashed" in logged, "marked-word" in logged) == (True, False)


def test_headers_are_nobodys_word() -> None:
    """They are not signed, and Bolt would run or leave out listeners as they say."""
    asked = request_of({"type": "event_callback"}, retried=False)
    assert (asked.headers, asked.query, asked.lazy_only) == ({}, {}, False)


class BoltApp(App):
    """The same, with the client with which Slack is asked for a connection."""

    def __init__(self, workspace: LocalWorkspace) -> None:
        super().__init__()
        self.client = async_client.connect(base_url=f"{workspace.base}/api/", network=DIRECT)
        self.logger = logging.getLogger("slack_bolt")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, while the loop goes on."""
    await asyncio.to_thread(wait_for, "it", condition)


@pytest.mark.parametrize(
    ("token", "code"), [("xapp-wrong", "invalid_auth"), ("xoxb-local", "not_allowed_token_type"), ("", "not_authed")]
)
def test_a_token_that_slack_refuses_ends_it(workspace: LocalWorkspace, token: str, code: str) -> None:
    """Only an operator can mend that; the sentence names the variable and holds nothing of the token."""
    with pytest.raises(ConfigError, match=rf"^environment: SLACK_APP_TOKEN: Slack says {code}; it takes the app-level"):
        asyncio.run(SocketListener(cast("Any", BoltApp(workspace)), token, DIRECT).listen())


def test_a_token_that_is_revoked_ends_it_at_the_next_connection(workspace: LocalWorkspace) -> None:
    """Slack asks for a new connection now and then, and may refuse it."""

    async def run() -> None:
        listener = SocketListener(cast("Any", BoltApp(workspace)), "xapp-local", DIRECT)
        listening = asyncio.create_task(listener.listen())
        await until(lambda: listener.look().state == "ok")
        await asyncio.to_thread(
            workspace.faults, {"method": "apps.connections.open", "kind": "fail", "error": "token_revoked"}
        )
        await asyncio.to_thread(workspace.send, "/sandbox/disconnect", {})
        await listening

    with pytest.raises(ConfigError, match="Slack says token_revoked"):
        asyncio.run(run())


def test_it_tries_again_while_slack_is_down_and_says_when_it_was_heard(
    workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its greeting, its pings and its envelopes; unheard for a minute it is not ready, and SIGTERM ends it."""
    monkeypatch.setattr(socket_client, "PING_SECONDS", 1.0)
    workspace.faults({"method": "apps.connections.open", "kind": "fail", "error": "internal_error"})
    app = BoltApp(workspace)
    listener = SocketListener(cast("Any", app), "xapp-local", DIRECT)
    assert listener.look() == Finding("socket", "fail", "Slack is not heard: nothing yet.")

    async def run() -> None:
        listening = asyncio.create_task(listener.listen())
        await until(lambda: all(sign in listener.look().message for sign in ("hello", "ping")))
        await asyncio.to_thread(workspace.say, "U0MAYA", "C0HELP", "hello there")
        await until(lambda: "envelope" in listener.look().message)
        assert listener.look().state == "ok"
        monkeypatch.setattr(socket_client, "DEAF_SECONDS", 0.0)
        assert listener.look().state == "fail"
        os.kill(os.getpid(), signal.SIGTERM)
        await listening

    asyncio.run(run())
    assert app.heard[-1]["event"]["text"] == "hello there"

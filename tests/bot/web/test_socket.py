"""Socket Mode: what the same listeners hear over a connection of ours."""

import asyncio
from typing import Any, cast

import pytest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from structlog.testing import capture_logs

from bot.web.bolt import request_of
from bot.web.socket import SocketListener
from tests.support.request_delivery import SocketClient
from tests.support.slack_requests import REQUEST_KINDS


class App:
    """What Bolt is asked to dispatch."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    async def async_dispatch(self, asked: Any) -> BoltResponse:
        """Note one."""
        self.heard.append(asked.body)
        return BoltResponse(status=200)


def hears(payload: Any) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Return what Bolt is given of an envelope, what is acknowledged and what is logged."""
    app, client = App(), SocketClient()
    ctx = SocketListener.__new__(SocketListener)
    ctx.app = cast("Any", app)
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
    asked = request_of({"type": "event_callback"})
    assert (asked.headers, asked.query, asked.lazy_only) == ({}, {}, False)

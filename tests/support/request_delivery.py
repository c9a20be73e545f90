"""A request of Slack's, delivered to the web process as it was signed, over HTTP or over Socket Mode."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

from slack_sdk.socket_mode.request import SocketModeRequest
from structlog.testing import capture_logs

from bot.settings import Settings
from bot.web import app as web_app
from bot.web import bolt
from bot.web.socket import SocketListener
from tests.support.json_object import Json
from tests.support.web_harness import FrontDoor

DeliverRequest = Callable[[Json], int]
"Delivers a request; 200, 400 for what is refused on purpose, 500 for a fault of ours."
DOORS = ("http", "socket")
"How Slack reaches the web process."


def deliver_request(front: FrontDoor, body: Json) -> int:
    """Deliver a request in the way of its kind; return the status."""
    if "command" in body and all(isinstance(one, str) and one.isascii() for one in body.values()):
        return front.form(body)[0]
    if body.get("type") in ("event_callback", "url_verification") or "command" in body:
        return front.post(json.dumps(body))[0]
    return front.payload(body)[0]


class SocketClient:
    """A connection of Socket Mode that notes which envelopes are acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.logger = logging.getLogger("slack_bolt")

    async def send_socket_mode_response(self, response: Any) -> None:
        """Note one."""
        self.acknowledged.append(response.envelope_id)


@contextmanager
def delivering_over(front: FrontDoor, way: str) -> Iterator[DeliverRequest]:
    """Yield what delivers a request to a house that is open."""
    if way == "http":
        yield lambda body: deliver_request(front, body)
        return
    told = Settings.from_environment()
    house = web_app.open_context(told)
    ctx = SocketListener(bolt.create_bolt(told, house), "xapp-front", told.network)

    def over_the_socket(body: Json) -> int:
        client = SocketClient()
        envelope = SocketModeRequest(type="events_api", envelope_id="e1", payload=body)
        with capture_logs() as said:
            runner.run(ctx.handle(cast("Any", client), envelope))
        refused = any(one["event"] == "request.refused" for one in said)
        return 200 if client.acknowledged else 400 if refused else 500

    with asyncio.Runner() as runner, closing(house.database):
        yield over_the_socket
    house.queue.close()

"""Every client of the house that reaches others over HTTP, each making one real request by the rule it is given."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from bot.agent import model
from bot.agent.model import Prompt
from bot.errors import OutcomeUnknown, Transient
from bot.evals import endpoint
from bot.network import Network
from bot.settings import Settings
from bot.slack.api import async_client, response_urls
from bot.slack.api import client as slack
from bot.slack.api.socket_client import SocketClient
from bot.slack.outbox import enclosures
from bot.telemetry import span_export
from bot.telemetry.spans import SpanRecord
from bot.web import bolt

_SECONDS = 30
_PRESS = {
    "type": "block_actions",
    "user": {"id": "U1", "team_id": "T1"},
    "team": {"id": "T1"},
    "trigger_id": "1.2",
    "api_app_id": "A1",
    "container": {"type": "view"},
    "actions": [{"type": "button", "action_id": "test.form", "block_id": "b"}],
}


def ask_slack(network: Network, base: str) -> None:
    """Call the Web API as the worker does."""
    slack.call(slack.connect(token="xoxb-1", base_url=f"{base}/api/", seconds=_SECONDS, network=network).auth_test)


def answer_command(network: Network, base: str) -> None:
    """Answer a slash command."""
    client = slack.connect(token="xoxb-1", base_url=f"{base}/api/", seconds=_SECONDS, network=network)
    response_urls.respond(client, f"{base}/commands/1", {"text": "hello"})


def upload(network: Network, base: str) -> None:
    """Upload a file."""
    client = slack.connect(token="xoxb-1", base_url=f"{base}/api/", seconds=_SECONDS, network=network)
    enclosures._send(client, f"{base}/upload", b"hello")


def open_form(network: Network, base: str) -> None:
    """Open a form with the client that Bolt makes for a press."""
    app = bolt.create_bolt(_bot_at(network, base), cast("Any", SimpleNamespace(agents={})))
    failed: list[Exception] = []

    async def on_press(ack: Any, client: Any) -> None:
        await ack()
        client.timeout = _SECONDS
        try:
            await client.views_open(trigger_id="1.2", view={})
        except Exception as error:  # noqa: BLE001 - Bolt would only log it
            failed.append(error)

    app.action("test.form")(on_press)
    answer = asyncio.run(app.async_dispatch(bolt.request_of(dict(_PRESS), retried=False)))
    for error in failed:
        raise error
    assert answer.status == 200


def open_modal(network: Network, base: str) -> None:
    """Open a form with the client that Bolt's is made from."""

    async def open_it() -> None:
        web = async_client.connect(base_url=f"{base}/api/", network=network)
        web.timeout = _SECONDS
        await web.views_open(trigger_id="1.2", view={})

    asyncio.run(open_it())


def _bot_at(network: Network, base: str) -> Settings:
    """Return settings of a bot at an address."""
    settings = Settings.model_validate({"slack_bot_token": "xoxb-1", "slack_api_url": f"{base}/api/"})
    settings._network = network
    return settings


class _Noting(logging.Handler):
    """Sets an event when something is logged: the SDK tries again for ever."""

    def __init__(self, said: asyncio.Event) -> None:
        super().__init__(logging.ERROR)
        self.said = said

    def emit(self, _record: logging.LogRecord) -> None:
        """Note it."""
        self.said.set()


def listen(network: Network, base: str) -> None:
    """Open the connection of Socket Mode."""

    async def connect() -> None:
        failed, logger = asyncio.Event(), logging.getLogger("test.socket")
        logger.addHandler(noting := _Noting(failed))
        web = async_client.connect(base_url=f"{base}/api/", network=network)
        web.timeout = _SECONDS
        client = SocketClient("xapp-1", web, network, logger)
        trying, failing = asyncio.ensure_future(_connect(client)), asyncio.ensure_future(failed.wait())
        await asyncio.wait({trying, failing}, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        connected = trying.done()
        for one in (trying, failing):
            one.cancel()
        await asyncio.gather(trying, failing, return_exceptions=True)  # another try may hold a connection
        await client.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
        logger.removeHandler(noting)
        if not connected:
            raise Transient("socket: not connected")

    asyncio.run(connect())


async def _connect(client: SocketClient) -> None:
    await client.connect()


def call_model(network: Network, base: str) -> None:
    """Send a prompt; the answer is none of a model."""
    prompt = Prompt("m", "Be kind.", (), ({"role": "user", "content": "hello"},), 300)
    call = model.connect(api_key="k", base_url=base, network=network, timeout=_SECONDS)
    with suppress(OutcomeUnknown):
        call(prompt)


def know_model(network: Network, base: str) -> None:
    """Ask whether there is a model, as the doctor does."""
    assert model.knows("m", api_key="k", base_url=base, network=network, timeout=_SECONDS)


def ask_endpoint(network: Network, base: str) -> None:
    """Ask whether a model is a stand-in."""
    assert not endpoint.is_standin(base, network)


def send_spans(network: Network, base: str) -> None:
    """Send a span to a collector; it does not say what stood in its way."""
    send = span_export.sender(f"{base}/v1/traces", "worker", network)
    if not send([SpanRecord(1, 2, None, "s", "client", 1, 2, {})]):
        raise Transient("traces: not sent")


CLIENTS: Mapping[str, Callable[[Network, str], None]] = {
    "slack": ask_slack,
    "command": answer_command,
    "upload": upload,
    "form": open_form,
    "modal": open_modal,
    "socket": listen,
    "model": call_model,
    "doctor's question": know_model,
    "endpoint": ask_endpoint,
    "traces": send_spans,
}

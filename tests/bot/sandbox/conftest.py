"""A served workspace on a real port, the SDK's own client against it, and a small bot that listens."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.signature import SignatureVerifier

from tests.support.local_workspace import SECRET, WORKSPACE, ListeningBot, LocalWorkspace, ToldRequest, workspace_served


@pytest.fixture
def listening_bot() -> Iterator[ListeningBot]:
    """A bot on a real port."""
    bot, verifier = ListeningBot(), SignatureVerifier(SECRET)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {key.lower(): value for key, value in self.headers.items()}
            heard = ToldRequest(_decoded(raw, headers), headers, verifier.is_valid_request(raw, headers))
            bot.heard.append(heard)
            status, text = bot.answer(heard)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name is the library's
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    bot.url = f"http://127.0.0.1:{server.server_address[1]}/slack/events"
    yield bot
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve_workspace(listening_bot: ListeningBot) -> Iterator[Callable[..., LocalWorkspace]]:
    """Serve a workspace with some settings changed; several in one test if needed."""
    with ExitStack() as stack:

        def serve(**changes: Any) -> LocalWorkspace:
            config = replace(WORKSPACE, **{"deliver_to": listening_bot.url, **changes})
            return stack.enter_context(workspace_served(config, listening_bot))

        yield serve


@pytest.fixture
def workspace(serve_workspace: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    """A workspace that delivers to the listening bot."""
    return serve_workspace()


def _decoded(raw: str, headers: dict[str, str]) -> dict[str, Any]:
    if headers["content-type"].startswith("application/json"):
        return dict(json.loads(raw))
    form = {key: values[0] for key, values in parse_qs(raw, keep_blank_values=True).items()}
    return dict(json.loads(form["payload"])) if "payload" in form else form

"""A served workspace on a real port, the SDK's own client against it, and a small bot that listens."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.demo.serve import listen
from bot.sandbox.guard import KEY_HEADER
from bot.sandbox.slack.world import World
from bot.sandbox.workspace import WorkspaceConfig, create_app
from tests.support.live_server import PromptWorkspace, running

ROOT = Path(__file__).parents[3]
SECRET, KEY = "local-signing-secret", "local-page-key"
OURS = {KEY_HEADER: KEY, "Content-Type": "application/json"}
"What our own programs send along."
CONFIG = WorkspaceConfig(
    people=ROOT / "bot/sandbox/demo/people.yaml",
    manifest=ROOT / "tests/bot/sandbox/manifest.yaml",
    bot_token="xoxb-local",
    app_token="xapp-local",
    signing_secret=SECRET,
    key=KEY,
    retry_delays=(0.0, 0.05, 0.1),
    rate_limits=False,
    answer_seconds=1.0,
    banner="The stand-in model answers.",
)


@dataclass
class Heard:
    """One request that reached the bot."""

    body: dict[str, Any]
    headers: dict[str, str]
    signed: bool

    @property
    def event(self) -> dict[str, Any]:
        """The event inside an event_callback; empty for anything else."""
        event: dict[str, Any] = self.body.get("event", {})
        return event


@dataclass
class ListeningBot:
    """A bot that verifies, records, and answers what it is told to."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Heard], tuple[int, str]] = lambda _heard: (200, "")

    def wait(self, wanted: Callable[[Heard], bool], *, count: int = 1, seconds: float = 3.0) -> list[Heard]:
        """Return the requests that are wanted, as soon as there are so many."""
        until = time.monotonic() + seconds
        while True:
            found = [one for one in list(self.heard) if wanted(one)]
            if len(found) >= count or time.monotonic() > until:
                return found
            time.sleep(0.005)


@dataclass
class Served:
    """A workspace that runs."""

    base: str
    world: World
    bot: ListeningBot

    @property
    def slack(self) -> WebClient:
        """The SDK's client with the bot's token."""
        return WebClient(token="xoxb-local", base_url=f"{self.base}/api/")

    def get(self, path: str) -> Any:
        """Return the JSON of a GET."""
        with self.open(path) as response:
            return json.load(response)

    def open(self, path: str, **headers: str) -> Any:
        """Ask for a path, as one of our own programs does."""
        asked = urllib.request.Request(f"{self.base}{path}", headers={**OURS, **headers})  # noqa: S310 our own address
        return urllib.request.urlopen(asked)  # noqa: S310 our own address

    def send(self, path: str, body: Any, method: str = "POST") -> dict[str, Any]:
        """Send JSON and return the JSON that comes back, whatever the status."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data, OURS, method=method)  # noqa: S310 our own
        try:
            with urllib.request.urlopen(request) as response:  # noqa: S310 our own address
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return {"http": error.code, **json.load(error)}

    def act(self, name: str, user: str, **body: Any) -> dict[str, Any]:
        """Let a person do something."""
        return self.send(f"/sandbox/{name}", {"user": user, **body})

    def say(self, user: str, channel: str, text: str, **body: Any) -> str:
        """Let a person say something; return its ts."""
        answer = self.act("say", user, channel=channel, text=text, **body)
        assert answer["ok"], answer
        return str(answer["ts"])

    def sees(self, user: str) -> Any:
        """Return everything a person sees."""
        return self.get(f"/sandbox/state?user={user}")

    def faults(self, *faults: dict[str, Any]) -> None:
        """Switch faults on."""
        assert self.send("/sandbox/faults", list(faults), "PUT")["ok"]

    def trigger(self, user: str = "U0MAYA") -> str:
        """Get a fresh trigger_id, from a slash command."""
        already = len(self.bot.heard)
        self.act("command", user, channel="C0HELP", command="/agent-cost", text="")
        return str(self.bot.heard[already].body["trigger_id"])


@pytest.fixture
def listening_bot() -> Iterator[ListeningBot]:
    """A bot on a real port."""
    bot, verifier = ListeningBot(), SignatureVerifier(SECRET)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {key.lower(): value for key, value in self.headers.items()}
            heard = Heard(_decoded(raw, headers), headers, verifier.is_valid_request(raw, headers))
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


@contextmanager
def _running(config: WorkspaceConfig, bot: ListeningBot) -> Iterator[Served]:
    app = create_app(config)
    with listen("127.0.0.1", 0) as listener, running(PromptWorkspace(app), listener):
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.world, bot)


@pytest.fixture
def serve_workspace(listening_bot: ListeningBot) -> Iterator[Callable[..., Served]]:
    """Serve a workspace with some settings changed; several in one test if needed."""
    with ExitStack() as stack:

        def serve(**changes: Any) -> Served:
            config = replace(CONFIG, **{"deliver_to": listening_bot.url, **changes})
            return stack.enter_context(_running(config, listening_bot))

        yield serve


@pytest.fixture
def workspace(serve_workspace: Callable[..., Served]) -> Served:
    """A workspace that delivers to the listening bot."""
    return serve_workspace()


def _decoded(raw: str, headers: dict[str, str]) -> dict[str, Any]:
    if headers["content-type"].startswith("application/json"):
        return dict(json.loads(raw))
    form = {key: values[0] for key, values in parse_qs(raw, keep_blank_values=True).items()}
    return dict(json.loads(form["payload"])) if "payload" in form else form

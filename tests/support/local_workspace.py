"""A local workspace on a real port, as tests act in it and look at it, and the bot that it tells."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from bot.network import DIRECT
from bot.sandbox.demo.serve import listen
from bot.sandbox.guard import KEY_HEADER
from bot.sandbox.slack.world import World
from bot.sandbox.workspace import WorkspaceConfig, create_app
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from tests.support.live_server import PATIENCE, PromptWorkspace, running_server
from tests.support.paths import ROOT

SECRET, KEY = "local-signing-secret", "local-page-key"
OWN_HEADERS = {KEY_HEADER: KEY, "Content-Type": "application/json"}
"What our own programs send along."
WORKSPACE = WorkspaceConfig(
    people=ROOT / "bot/sandbox/demo/people.yaml",
    manifest=ROOT / "tests/bot/sandbox/manifest.yaml",
    bot_token="xoxb-local",
    app_token="xapp-local",
    person_token="xoxp-local",
    signing_secret=SECRET,
    key=KEY,
    retry_delays=(0.0, 0.05, 0.1),
    rate_limits=False,
    answer_seconds=PATIENCE,
    next_seconds=PATIENCE,
    banner="The stand-in model answers.",
)

POST = "chat.postMessage"


@dataclass
class ToldRequest:
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
    heard: list[ToldRequest] = field(default_factory=list)
    answer: Callable[[ToldRequest], tuple[int, str]] = lambda _heard: (200, "")

    def wait(
        self, wanted: Callable[[ToldRequest], bool], *, count: int = 1, seconds: float = PATIENCE
    ) -> list[ToldRequest]:
        """Return the requests that are wanted, as soon as there are so many or the seconds are over."""
        until = time.monotonic() + seconds
        while True:
            found = [one for one in list(self.heard) if wanted(one)]
            if len(found) >= count or time.monotonic() > until:
                return found
            time.sleep(0.005)

    def last(self, kind: str) -> dict[str, Any]:
        """Return the last interaction of a type, as soon as there is one."""
        found = self.wait(lambda one: one.body.get("type") == kind)
        assert found, f"no {kind} has come"
        return found[-1].body


@dataclass
class LocalWorkspace:
    """A workspace that runs."""

    base: str
    world: World
    bot: ListeningBot

    @property
    def slack(self) -> WebClient:
        """Our client with the bot's token."""
        return slack.connect(token="xoxb-local", base_url=f"{self.base}/api/", network=DIRECT)

    def get(self, path: str) -> Any:
        """Return the JSON of a GET."""
        with self.open(path) as response:
            return json.load(response)

    def open(self, path: str, **headers: str) -> Any:
        """Ask for a path, as one of our own programs does."""
        asked = urllib.request.Request(f"{self.base}{path}", headers={**OWN_HEADERS, **headers})  # noqa: S310 our own address
        return urllib.request.urlopen(asked)  # noqa: S310 our own address

    def send(self, path: str, body: Any, method: str = "POST") -> dict[str, Any]:
        """Send JSON and return the JSON that comes back, whatever the status."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data, OWN_HEADERS, method=method)  # noqa: S310 our own
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


@contextmanager
def workspace_served(config: WorkspaceConfig, bot: ListeningBot) -> Iterator[LocalWorkspace]:
    """Serve a workspace on a port of its own and yield it."""
    app = create_app(config)
    with listen("127.0.0.1", 0) as listener, running_server(PromptWorkspace(app), listener):
        yield LocalWorkspace(f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.world, bot)


def response_url(workspace: LocalWorkspace, user: str, channel: str) -> str:
    """Return where a slash command or a shortcut that a person uses now is answered."""
    name = workspace.world.issued.new_address(user, channel)
    return f"{workspace.base}/commands/{workspace.world.seed.team.id}/1/{name}"


def settings_for(workspace: LocalWorkspace | None) -> Settings:
    """Return settings that lead to a workspace, or to none."""
    token = SecretStr("xoxb-local") if workspace else None
    return Settings(slack_bot_token=token, slack_api_url=f"{workspace.base}/api/" if workspace else "http://x.invalid/")


def bot_posts(workspace: LocalWorkspace, channel: str) -> list[dict[str, Any]]:
    """Return the bot's messages in a channel, oldest first."""
    found = workspace.world.state.channels.get(channel)
    return [] if found is None else [one for one in found.messages.values() if one.get("bot_id")]


def bot_said(workspace: LocalWorkspace, channel: str = "C0HELP") -> list[str]:
    """Return what the bot has said in a channel, oldest first."""
    return [one["text"] for one in bot_posts(workspace, channel)]


def whispered_to(workspace: LocalWorkspace, user: str) -> list[str]:
    """Return what one person alone sees."""
    return [one["text"] for one in workspace.world.state.ephemeral.values() if one["user"] == user]


def calls_of(workspace: LocalWorkspace, method: str = POST) -> int:
    """Return how often a method was called."""
    return [entry["name"] for entry in workspace.get("/sandbox/log")].count(method)

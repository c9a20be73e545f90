"""Slack as the outbox meets it: one served local workspace, under our own manifest, made new for every test."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.slack.api import client as slack
from tests.bot.sandbox.conftest import CONFIG, ListeningBot, Served, _running

MANIFEST = Path(__file__).parents[3] / "config/slack-manifest.yaml"


@pytest.fixture(scope="session")
def served_workspace() -> Iterator[Served]:
    """Serve a workspace that refuses whatever our manifest does not ask for, and that delivers to nobody."""
    with _running(replace(CONFIG, manifest=MANIFEST, deliver_to=None), ListeningBot()) as workspace:
        yield workspace


@pytest.fixture
def workspace(served_workspace: Served) -> Iterator[Served]:
    """Return a workspace in which nothing has happened."""
    yield served_workspace
    world = served_workspace.world
    assert served_workspace.send("/sandbox/reset", {})["ok"]
    world.state.deleted_users.clear()
    world.state.says.clear()
    for room in world.seed.channels:
        channel = {"channel": room.id, "archived": False, "bot_member": room.bot_member}
        assert served_workspace.send("/sandbox/channel", channel)["ok"]


@pytest.fixture
def client(workspace: Served) -> WebClient:
    """Return the client of the house."""
    return slack.connect(token="xoxb-local", base_url=f"{workspace.base}/api/")


def response_url(workspace: Served, user: str, channel: str) -> str:
    """Return where a slash command or a shortcut that a person uses now is answered."""
    name = workspace.world.permits.new_address(user, channel)
    return f"{workspace.base}/commands/{workspace.world.seed.team.id}/1/{name}"

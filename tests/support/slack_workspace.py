"""Slack as the outbox meets it: one served local workspace, under our own manifest, made new for every test."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.network import DIRECT
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from tests.support.local_workspace import WORKSPACE, ListeningBot, LocalWorkspace, workspace_served
from tests.support.paths import MANIFEST


@pytest.fixture(scope="session")
def served_workspace() -> Iterator[LocalWorkspace]:
    """Serve a workspace that refuses whatever our manifest does not ask for, and that delivers to nobody."""
    with workspace_served(replace(WORKSPACE, manifest=MANIFEST, deliver_to=None), ListeningBot()) as workspace:
        yield workspace


@pytest.fixture
def workspace(served_workspace: LocalWorkspace) -> Iterator[LocalWorkspace]:
    """Return a workspace in which nothing has happened."""
    yield served_workspace
    world = served_workspace.world
    assert served_workspace.send("/sandbox/reset", {})["ok"]
    world.state.deleted_users.clear()
    world.state.says.clear()
    for room in world.seed.channels:
        channel = world.state.channels[room.id]
        is_member = world.seed.bot.id in channel.members
        if channel.is_archived or channel.is_shared or is_member != room.bot_member:
            before = {"channel": room.id, "archived": False, "shared": False, "bot_member": room.bot_member}
            assert served_workspace.send("/sandbox/channel", before)["ok"]


@pytest.fixture
def client(workspace: LocalWorkspace) -> WebClient:
    """Return the client of the house."""
    return slack.connect(token="xoxb-local", base_url=f"{workspace.base}/api/", network=DIRECT)

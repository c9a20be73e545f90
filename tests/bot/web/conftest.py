"""A web process that serves the dashboard."""

from collections.abc import Iterator

import pytest

from tests.support.dashboard_visits import PUBLIC, VisitedAddress
from tests.support.slack_workspace import served_workspace, workspace
from tests.support.web_harness import FrontDoor, web_opened

__all__ = ["served_workspace", "workspace"]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str) -> Iterator[FrontDoor]:
    """Serve the web process with its dashboard, on a real Redis and SQLite, with a workspace that talks to it."""
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", PUBLIC)
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url) as front:
        yield front


@pytest.fixture
def visit(house: FrontDoor) -> VisitedAddress:
    """Return the address of that process."""
    return VisitedAddress(house.url.removesuffix("/slack/events"))

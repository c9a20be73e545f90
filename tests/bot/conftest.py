"""The web door as the tests of its rooms use it."""

from collections.abc import Iterator

import pytest

from tests.support.approval_door import desk
from tests.support.standin_model import fresh_standin, standin
from tests.support.web_harness import FrontDoor, web_opened

__all__ = ["desk", "fresh_standin", "front", "standin"]


@pytest.fixture
def front(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, request: pytest.FixtureRequest
) -> Iterator[FrontDoor]:
    """Serve the door on a real Redis and SQLite, with a workspace that talks to it; a parameter is for the door."""
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url, **getattr(request, "param", {})) as ctx:
        yield ctx

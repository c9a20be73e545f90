"""The stand-in model, served for real."""

from collections.abc import Iterator

import pytest

from bot.sandbox.standin import StandinConfig, create_app
from tests.support.live_server import served


@pytest.fixture(scope="module")
def standin() -> Iterator[str]:
    """Serve the stand-in model on a port of its own and return its address."""
    with served(create_app(StandinConfig(latency=0))) as address:
        yield address


@pytest.fixture
def fresh_standin() -> Iterator[str]:
    """Serve a stand-in model that nobody has called, and that has nothing in its cache; return its address."""
    with served(create_app(StandinConfig(latency=0))) as address:
        yield address

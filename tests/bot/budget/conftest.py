"""A price and a budget that are easy to reckon with: one token of anything costs 1,000 nano-USD."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from bot.budget.admission import Holds
from bot.budget.caps import Budgets, Cap
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices
from bot.budget.reservation import Charge
from bot.store.db import Database
from bot.store.schema import Purpose
from tests.support.price_files import write_price_files

Connect = Callable[..., Meter]


@pytest.fixture
def budget() -> str:
    """Return a budget of 0.10 USD for the channel, which is 100 calls of 1,000 tokens, and of two for one person."""
    return (
        "time_zone: UTC\nchannel: {default: {window: month, hard: '0.10'}}\n"
        "user: {named: {U0POOR: {window: month, hard: '0.002'}}}\nshare: 1\n"
    )


@pytest.fixture
def files(tmp_path: Path, budget: str) -> Path:
    """Return a folder with the price files and the budget."""
    write_price_files(tmp_path, budget)
    return tmp_path


@pytest.fixture
def connect(files: Path) -> Iterator[Connect]:
    """Return a function that connects a meter to a Redis and a database, closed at the end."""
    meters: list[Meter] = []

    def connected(redis_url: str, database: Database, *, lease_seconds: float = 60.0) -> Meter:
        prices = Prices.load(files / "pricing.yaml")
        budgets = Budgets.load(files / "budgets.yaml")
        meters.append(Meter.connect(redis_url, database, lambda: budgets, prices, lease_seconds=lease_seconds))
        return meters[-1]

    yield connected
    for meter in meters:
        meter.close()


@pytest.fixture
def meter(connect: Connect, redis_url: str, database: Database) -> Meter:
    """Return a meter on a real Redis and both databases."""
    return connect(redis_url, database)


@pytest.fixture
def charge() -> Charge:
    """Return whom the calls of these tests are attributed to."""
    return Charge("T1", "C0HELP", "U1", "access", "access@1", None, None, 0, Purpose.TURN)


@pytest.fixture
def cap() -> Cap:
    """Return a cap of 10,000 nano-USD on a channel, in a window that is open now."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Cap("channel:C1:now", "channel", "C1", start, start + timedelta(days=1), 10_000)


@pytest.fixture
def gate(redis_url: str) -> Iterator[Holds]:
    """Return a gate whose leases are a minute long."""
    connected = Holds.connect(redis_url, lease_seconds=60)
    yield connected
    connected.close()


@pytest.fixture
def raw(redis_url: str) -> Iterator["redis.Redis"]:
    """Return Redis itself, to break it."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client

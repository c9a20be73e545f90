"""A call of long ago is worked out again from what SQL has kept of it, and from nothing else."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from bot.agent.runtime import open_meter
from bot.budget.prices import snapshot
from bot.budget.prices.pricing import Prices, Usage
from bot.budget.prices.snapshot import Snapshot
from bot.budget.reservation import Charge
from bot.settings import Settings
from bot.store.db import Database
from bot.store.money import price_versions
from bot.store.schema import LedgerRow, Purpose
from tests.support.paths import CONFIG

SONNET, OPUS = "claude-sonnet-5-5", "claude-opus-5-5"
USAGES = (
    Usage(SONNET, 12, 3_456, 789, 1_011, 222),
    Usage(SONNET, 1_200, output_tokens=300, web_searches=2, service_tier="batch", geo="us"),
    Usage(SONNET, 100, others={"web_fetch_requests": 3}, iterations=(Usage(SONNET, 100), Usage(OPUS, 200, 30))),
)


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    """Return settings of a house with its own copy of the configuration."""
    folder = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    return Settings(redis_url=redis_url, deskhand_config=folder)


def test_what_a_call_cost_can_be_worked_out_years_later(settings: Settings, database: Database) -> None:
    """Its usage and its prices are in SQL, whole; neither the files nor the package of that day are needed."""
    with closing(open_meter(settings, database)) as meter:
        charge = Charge("T1", "C0HELP", "U1", "access", "access@1", None, None, 0, Purpose.TURN)
        costs = []
        for usage in USAGES:
            reservation = meter.begin(charge, model=SONNET, prompt_bytes=9_000, max_tokens=700)
            costs.append((reservation.rid, meter.end(reservation, usage, tool=None)))
    snapshot.write(settings.deskhand_config / snapshot.FILE, Snapshot("of another age", {}, {}))
    with closing(open_meter(settings, database)) as later, database.read() as session:
        assert not later.prices.knows(SONNET)
        for rid, cost in costs:
            row = session.get_one(LedgerRow, rid)
            written = price_versions.of(session, row.price_version)
            assert row.usage is not None
            assert written is not None
            then = Prices.from_json(written)
            assert then.version == row.price_version != later.prices.version
            assert then.cost(Usage.from_json(row.usage), at=row.at) == row.cost_nusd == cost > 0

"""The suite's surroundings: the stand-in model served for real, a meter on a real Redis, a main database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agent import card, model
from bot.agent.card import Agent
from bot.agent.model import CallModel
from bot.agent.release import fingerprint
from bot.agent.runtime import AgentRuntime
from bot.budget.caps import Budgets
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices
from bot.directory.local import LocalDirectory
from bot.evals.stage import RuntimeFor
from bot.network import DIRECT
from bot.store.db import Database
from bot.store.schema import Purpose
from tests.support.delegations import issuer
from tests.support.eval_runtimes import MODEL, RuntimesOf
from tests.support.paths import CONFIG

RICH = '{time_zone: UTC, channel: {default: {window: day, hard: "500.00"}}}'


@pytest.fixture(scope="module")
def call_standin(standin: str) -> CallModel:
    """Return the real model door, opened on the stand-in."""
    return model.connect(api_key="none-needed", base_url=standin, network=DIRECT, timeout=60)


@pytest.fixture
def agent() -> Agent:
    """Return the access agent as it is configured."""
    return card.load(CONFIG / "agents" / "access")


@pytest.fixture
def main(sqlite: Database) -> Database:
    """Return the main database, where ledger and verdicts are kept."""
    return sqlite


@pytest.fixture
def meter(redis_url: str, main: Database, tmp_path: Path) -> Iterator[Meter]:
    """Return a meter with a budget that no suite exhausts."""
    (tmp_path / "budgets.yaml").write_text(RICH)
    budgets, prices = Budgets.load(tmp_path / "budgets.yaml"), Prices.load(CONFIG / "pricing.yaml")
    connected = Meter.connect(redis_url, main, lambda: budgets, prices)
    yield connected
    connected.close()


@pytest.fixture
def runtimes_of(call_standin: CallModel, meter: Meter) -> RuntimesOf:
    """Return what puts an agent to work on private databases with the stand-in as its model."""

    def of(agent: Agent) -> RuntimeFor:
        release = fingerprint(agent, model=MODEL, endpoint="http://stand-in")

        def runtime_for(private: Database) -> AgentRuntime:
            return AgentRuntime(
                agent=agent,
                release=release,
                model=MODEL,
                database=private,
                directory=LocalDirectory(private),
                call_model=call_standin,
                meter=meter,
                issuer=issuer(),
                purpose=Purpose.EVAL,
                sleep=lambda _seconds: None,
            )

        return runtime_for

    return of

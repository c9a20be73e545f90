"""What an agent works with in one process: built once, shared by all its turns."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot import durations
from bot.agent import model
from bot.agent.card import Agent
from bot.agent.model import CallModel, CountTokens
from bot.agent.release import ReleaseId, model_of, release_of
from bot.budget.budget_file import BudgetFile
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices
from bot.delegation import keys as delegation_keys
from bot.delegation.tokens import Issuer
from bot.directory.protocol import Directory
from bot.errors import ConfigError
from bot.settings import Settings
from bot.store.db import Database
from bot.store.installation import marks
from bot.store.money import price_versions
from bot.store.schema import Purpose
from bot.telemetry import metrics


@dataclass(frozen=True, slots=True)
class AgentRuntime:
    """One agent at work in this process."""

    agent: Agent
    release: ReleaseId
    model: str
    database: Database
    directory: Directory
    call_model: CallModel
    meter: Meter
    issuer: Issuer
    "Mints and verifies the delegation of each tool call."
    suite: str = ""
    "Fingerprint of the suite in its folder: it serves by a verdict of this release and this suite only."
    count_tokens: CountTokens = lambda _prompt: None
    purpose: Purpose = Purpose.TURN
    sleep: Callable[[float], None] = time.sleep


def open_meter(settings: Settings, database: Database) -> Meter:
    """Return the meter with the budgets and the ledger.

    Raises:
        ConfigError: `budgets.yaml`, `pricing.yaml` or `prices.json` is wrong, or the database is another's.
        Transient: the database cannot be reached.
    """
    ground = marks.enter(database, settings.deskhand_ground)
    folder = settings.deskhand_config
    budgets, rates = BudgetFile(folder / "budgets.yaml"), Prices.load(folder / "pricing.yaml")
    with database.write() as session:
        # So that the cost of its calls can be worked out again years later.
        price_versions.keep(session, rates.version, rates.written)
    return Meter.connect(settings.redis_url, database, budgets.current, rates, ground=ground)


def open_runtime(
    settings: Settings, agent: Agent, database: Database, directory: Directory, meter: Meter
) -> AgentRuntime:
    """Put an agent to work on a directory, with the real model.

    Raises:
        ConfigError: its credential or the delegation keys are not set or wrong, or its model has no price.
    """
    name = model_of(settings, agent)
    check_runtime(settings, agent, meter)
    metrics.know_tools(tool.name for tool in agent.tools)
    key, address = settings.credential(agent.card.credentials.model).get_secret_value(), settings.anthropic_base_url
    return AgentRuntime(
        agent=agent,
        release=release_of(settings, agent),
        model=name,
        database=database,
        directory=directory,
        call_model=model.connect(
            api_key=key,
            base_url=address,
            network=settings.network,
            timeout=durations.MODEL_SILENCE,
            connections=settings.deskhand_concurrency,
        ),
        meter=meter,
        issuer=open_issuer(settings, database),
        suite=agent.suite,
        count_tokens=model.counter(
            api_key=key, base_url=address, network=settings.network, timeout=durations.MODEL_SILENCE
        ),
    )


def check_runtime(settings: Settings, agent: Agent, meter: Meter) -> None:
    """Check that this process could put an agent to work.

    Raises:
        ConfigError: its credential is not set, or its model has no price.
    """
    name = model_of(settings, agent)
    if not meter.prices.knows(name):
        raise ConfigError(f"{agent.folder / 'card.yaml'}: model: {name} has no price; add it to config/pricing.yaml")
    settings.credential(agent.card.credentials.model)


def open_issuer(settings: Settings, database: Database) -> Issuer:
    """Return what mints and verifies the delegation tokens of this installation.

    Raises:
        ConfigError: its keys are not set, or they are wrong; or the database is another's.
        Transient: the database cannot be reached.
    """
    valid = delegation_keys.of_settings(settings)
    return Issuer(f"deskhand:{marks.enter(database, settings.deskhand_ground).id}", valid)

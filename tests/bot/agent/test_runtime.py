"""Putting an agent to work in a process: `bot.agent.runtime`."""

from pathlib import Path

import pytest

from bot import directory
from bot.agent import card
from bot.agent.model import Prompt
from bot.agent.release import model_of, release_of
from bot.agent.runtime import open_meter, open_runtime
from bot.errors import ConfigError
from bot.sandbox.standin import StandinConfig, create_app
from bot.sandbox.standin.usage import CACHED_AT_LEAST
from bot.settings import Settings
from tests.support.agent_office import Office
from tests.support.live_server import served
from tests.support.paths import CONFIG
from tests.support.scripted_models import Script

AGENT = card.load(CONFIG / "agents/access")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Settings:
    """Return settings of an environment that has the agent's own key."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-the-access-agent")
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("DESKHAND_CONFIG", str(CONFIG))
    monkeypatch.delenv("DESKHAND_MODEL", raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    return Settings.from_environment()


def test_a_desk_has_the_cards_model_and_the_release_of_it(settings: Settings, office: Office) -> None:
    """What is evaluated is what serves: the release is the one that `release_of` names."""
    runtime = open_runtime(
        settings, AGENT, office.database, directory.connect(office.database), office.runtime(Script([])).meter
    )
    assert runtime.model == AGENT.card.model
    assert runtime.release == release_of(settings, AGENT)
    assert runtime.purpose == "turn"


def test_a_desk_asks_the_vendor_for_counts(office: Office, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """At the address where its model answers, with the agent's own key."""
    del settings
    with served(create_app(StandinConfig(latency=0))) as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        runtime = open_runtime(
            Settings.from_environment(),
            AGENT,
            office.database,
            directory.connect(office.database),
            office.runtime(Script([])).meter,
        )
        tools = tuple(tool.schema() for tool in AGENT.tools)
        counted = runtime.count_tokens(
            Prompt(runtime.model, AGENT.prompt, tools, ({"role": "user", "content": "hi"},), 700)
        )
    assert counted is not None
    assert counted > CACHED_AT_LEAST, "the shipped agent's stable prefix is too short for the cache"


def test_the_demo_may_put_another_model_in(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in is another release than the card's own model."""
    monkeypatch.setenv("DESKHAND_MODEL", "stand-in-1")
    other = Settings.from_environment()
    assert model_of(other, AGENT) == "stand-in-1"
    assert release_of(other, AGENT) != release_of(settings, AGENT)


def test_an_agent_without_its_own_key_does_not_start(settings: Settings, office: Office) -> None:
    """Another agent's key is not taken instead; the variable is named."""
    other = AGENT.card.model_copy(
        update={"credentials": AGENT.card.credentials.model_copy(update={"model": "OTHER_KEY"})}
    )
    meter = office.runtime(Script([])).meter
    with pytest.raises(ConfigError, match="environment: OTHER_KEY is not set; a card names it as a credential"):
        open_runtime(
            settings,
            card.Agent(other, AGENT.prompt, AGENT.tools, AGENT.folder),
            office.database,
            directory.connect(office.database),
            meter,
        )


def test_a_model_without_a_price_does_not_start(
    settings: Settings, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, never admitted as free; the card and the price file are named."""
    monkeypatch.setenv("DESKHAND_MODEL", "gratis-1")
    meter = office.runtime(Script([])).meter
    with pytest.raises(ConfigError, match=r"card\.yaml: model: gratis-1 has no price; add it to config/pricing\.yaml"):
        open_runtime(Settings.from_environment(), AGENT, office.database, directory.connect(office.database), meter)


def test_a_wrong_budget_file_does_not_start(
    office: Office, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    """The meter opens on a right folder, and names file and field of a wrong one."""
    open_meter(settings, office.database).close()
    (tmp_path / "budgets.yaml").write_text("channel: {default: {window: hour, hard: '1'}}")
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path))
    with pytest.raises(ConfigError, match=r"budgets\.yaml: .*window"):
        open_meter(Settings.from_environment(), office.database)

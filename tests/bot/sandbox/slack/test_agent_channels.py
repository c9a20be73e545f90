"""The channels of agents that the people file does not know: `bot.sandbox.slack.agent_channels`."""

import shutil
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.sandbox.demo.entrypoints import PEOPLE
from bot.sandbox.slack.agent_channels import with_agents
from bot.sandbox.slack.seed import WorkspaceConfig, load_seed
from bot.sandbox.slack.world import build_world
from tests.support.paths import CONFIG, MANIFEST


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration into which the example was copied."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    shutil.copytree(config / "examples/agents/software", config / "agents/software")
    return config


def test_what_the_people_file_knows_stays(config: Path) -> None:
    """The first agent's channels keep their names and members; with it alone nothing is added."""
    seed = load_seed(PEOPLE)
    assert with_agents(seed, CONFIG) == seed
    assert with_agents(seed, config).channels[: len(seed.channels)] == seed.channels


def test_a_copied_agent_has_its_channels(config: Path) -> None:
    """Everybody but guests is in its help channel, and in its queue its own people alone; the app is in both."""
    world = build_world(
        WorkspaceConfig(
            people=PEOPLE,
            manifest=MANIFEST,
            bot_token="xoxb",
            app_token="xapp",
            signing_secret="s",
            key="k",
            agents=config,
        )
    )
    channels, bot = world.state.channels, world.seed.bot.id
    assert (channels["C0SOFTWARE"].name, channels["C0SOFTWAREQUEUE"].name) == ("help-software", "software-queue")
    assert channels["C0SOFTWARE"].members == channels["C0HELP"].members - {"U0NOOR", "U0KOFI"}
    assert channels["C0SOFTWAREQUEUE"].members == {"U0AIKO", "U0RUTH", bot}
    assert channels["C0SOFTWAREQUEUE"].is_private


def test_a_wrong_card_is_named(config: Path) -> None:
    """The workspace does not start with channels that no card has."""
    (config / "agents/software/card.yaml").write_text("name: software")
    with pytest.raises(ConfigError, match=r"software/card\.yaml"):
        with_agents(load_seed(PEOPLE), config)

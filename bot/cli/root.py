"""The root of the `deskhand` command, and what its branches share."""

from typing import TYPE_CHECKING

import click

from bot import logs
from bot.errors import ConfigError
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.agent.card import Agent


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Get people back into their account, and fetch a human before the agent is out of its depth."""


def settings_of_environment() -> Settings:
    """Return the settings, with logging set up as they say.

    Raises:
        ConfigError: one of them is wrong.
    """
    settings = Settings.from_environment()
    logs.configure(settings.deskhand_log)
    return settings


def known(settings: Settings, name: str) -> "Agent":
    """Return an agent by the name of its folder.

    Raises:
        ConfigError: there is none of that name.
    """
    from bot.agent import card

    agents = card.load_all(settings.deskhand_config)
    if name not in agents:
        raise ConfigError(f"config: no agent {name}; there are {', '.join(agents)}")
    return agents[name]

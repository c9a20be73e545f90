"""The root of the `deskhand` command, and what its branches share."""

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from bot import logs
from bot.errors import ConfigError
from bot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.agent.card import Agent
    from bot.store.db import Database


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


@contextmanager
def own_database(settings: Settings) -> "Iterator[Database]":
    """Open the database for a command that writes to it.

    Raises:
        ConfigError: it is another's, or its schema is not this code's.
        Transient: it cannot be reached.
    """
    from bot.store import db, marks

    with closing(db.connect(settings.database_url)) as database:
        marks.enter(database, settings.deskhand_ground)
        yield database


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

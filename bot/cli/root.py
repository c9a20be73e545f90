"""The root of the `deskhand` command, and what its subcommands share."""

import json
import os
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from bot import env_file, logs
from bot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.agent.card import Agent
    from bot.settings import Settings
    from bot.store.db import Database


SET_UP = frozenset({"database_url", "redis_url", "slack_bot_token"})
"Settings that show, if one is set, that there is an installation."


UNREADABLE = (
    "database: a value in it is no JSON that can be read, so something else has changed it: `deskhand audit verify` "
    "says whether it is a record of the audit log"
)


ROW = click.IntRange(1, 2**63 - 1)
"The number of a row, as large as both databases can hold one."


APART = frozenset({"demo"})
"Commands that do not read `.env`: a demo uses nothing of an installation, and above all not its model key."


class WholeLines(click.Group):
    """Lists each command with a whole sentence; click itself cuts a sentence at the end of its line."""

    group_class = type

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands with their first sentences."""
        first = {name: command.short_help or _first_sentence(command) for name, command in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(first.items()))


def _first_sentence(command: click.Command) -> str:
    paragraph = " ".join((command.help or "").split("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."


@click.group(cls=WholeLines, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Get people back into their account, and fetch a human before the agent is out of its depth."""
    if ctx.invoked_subcommand not in APART:
        env_file.load(os.environ)


def settings_of_environment() -> "Settings":
    """Read the settings, and set up logging by them.

    Raises:
        ConfigError: a setting is wrong.
    """
    from bot.settings import Settings

    settings = Settings.from_environment()
    logs.configure(settings.deskhand_log)
    return settings


def settings_to_look_at() -> "Settings":
    """Return the settings of the installation, or of the demo that runs here if no installation is set up.

    When a demo runs here, stderr says which of the two the command looks at. Where the environment says that there is
    no file of settings, nothing in this folder counts, and no demo is looked for.

    Raises:
        ConfigError: a setting is wrong.
    """
    from bot.ground import Kind
    from bot.sandbox.demo import folder
    from bot.settings import override_environment
    from bot.store import db

    settings = settings_of_environment()
    elsewhere = settings.deskhand_ground is Kind.DEMO or env_file.named(os.environ) is None
    of_the_demo = None if elsewhere else folder.running(folder.STATE)
    if of_the_demo is None:
        return settings
    said = " and ".join(sorted(name.upper() for name in settings.model_fields_set & SET_UP))
    if said or db.is_there(settings.database_url):
        why = (
            f"{said} {'are' if ' ' in said else 'is'} set" if said else f"{db.file_of(settings.database_url)} is there"
        )
        says = f"A demo runs in {folder.STATE}/. This looks at your installation, as {why}, and not at the demo.\n"
        click.echo(says, err=True)
        return settings
    click.echo(f"A demo runs in {folder.STATE}/, and no installation is set up: this looks at the demo.\n", err=True)
    override_environment(of_the_demo)
    return settings_of_environment()


@contextmanager
def reading_database(settings: "Settings") -> "Iterator[Database]":
    """Open the database for a command that only reads; none is created.

    Raises:
        ConfigError: there is no database, its schema is not this code's, or it has a value that cannot be read.
        Transient: it cannot be reached.
    """
    from bot.store import db

    with closing(db.existing(settings.database_url)) as database:
        if (missing := db.pending(database)) is not None:
            raise ConfigError(f"database: {missing}")
        try:
            yield database
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigError(UNREADABLE) from error


@contextmanager
def own_database(settings: "Settings", *, as_owner: bool = False) -> "Iterator[Database]":
    """Open the database for a command that writes to it; none is created.

    Args:
        settings: of the installation.
        as_owner: open it as the owner of its tables, where DATABASE_OWNER_URL is set.

    Raises:
        ConfigError: there is none, it belongs to another installation, its schema is not this code's, or the owner's
            address does not lead to the same database.
        Transient: it cannot be reached.
    """
    from bot.store import db
    from bot.store.audit import guards
    from bot.store.installation import marks

    url = settings.database_url
    if as_owner and settings.database_owner_url:
        guards.check_roles(owner=settings.database_owner_url, application=url)
        url = settings.database_owner_url
    with closing(db.existing(url)) as database:
        marks.enter(database, settings.deskhand_ground)
        yield database


def known(settings: "Settings", name: str | None) -> "Agent":
    """Return an agent by the name of its folder; without a name, the only agent there is.

    Raises:
        ConfigError: no agent has that name, or there are several and none is named.
    """
    from bot.agent import card

    agents = card.load_all(settings.deskhand_config)
    if name is None and len(agents) == 1:
        return next(iter(agents.values()))
    if name is None:
        raise ConfigError(f"config: there are several agents; name one with --agent: {', '.join(agents)}")
    if name not in agents:
        raise ConfigError(f"config: no agent is called {name}; known: {', '.join(agents)}")
    return agents[name]


def become(module: str, *arguments: str) -> None:
    """Replace this process with a module of `jobs`, which `bot` must never import."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell, our own module

"""The `deskhand` command: wires processes and answers operators.

Each command loads only the rooms it needs: a worker must not wait for the web door to be imported.
"""

import sys

import click

from bot import logs, private
from bot.cli import checks, money, processes, tickets
from bot.cli.root import cli
from bot.errors import ConfigError, DeskhandError

__all__ = ["checks", "cli", "main", "money", "processes", "tickets"]


def main() -> None:
    """Run the command line; what goes wrong is one clear sentence and exit code 1 or 2."""
    private.keep_to_ourselves()
    logs.guard()
    try:
        cli.main(prog_name="deskhand", standalone_mode=True)
    except ConfigError as error:
        click.echo(f"deskhand: {error}", err=True)
        sys.exit(2)
    except DeskhandError as error:
        click.echo(f"deskhand: {error}", err=True)
        sys.exit(1)

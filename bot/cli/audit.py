"""The group of the commands that read and prove the audit log; each command is in a module of its own."""

import sys
from typing import Any

import click

from bot.cli.root import WholeLines, cli
from bot.errors import ConfigError, Transient

CANNOT_LOOK = 2
"Exit code: the log cannot be looked at, whatever it holds. These commands answer a question with 0 and 1."


class AuditGroup(WholeLines):
    """Commands whose exit code says that a database or a file cannot be read, apart from what was found in it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error is printed as one sentence."""
        try:
            return super().invoke(ctx)
        except (ConfigError, Transient) as error:
            click.echo(f"deskhand: {error}", err=True)
            sys.exit(CANNOT_LOOK)


@cli.group("audit", cls=AuditGroup)
def audit_group() -> None:
    """Explain the audit log, verify it, export it, and keep evidence of it elsewhere."""

"""The command that shows what happened to one ticket."""

import json
import re
from typing import TYPE_CHECKING

import click

from bot.cli.root import cli, reading_database, settings_to_look_at

if TYPE_CHECKING:
    from bot.store.db import Session
    from bot.store.tickets.ticket_history import TicketHistory

_LINK = re.compile(r"/archives/([A-Z0-9]+)/p(\d{10})(\d{6})\b")
_SECONDS_AND_MICROS = 2, 3
_DIGITS = 18
"Digits of the longest ticket number that every database takes."


@cli.command("ticket")
@click.argument("which", metavar="NUMBER|LINK")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout: every row; amounts in nano-USD.")
def ticket_command(*, which: str, as_json: bool) -> None:
    """Show everything that happened to one ticket, in order: words, turns, tools, handoffs, audit and cost.

    NUMBER is the ticket's number on its card; LINK is Slack's link to any message of it.
    """
    from bot.cli import names
    from bot.store.tickets import ticket_history
    from bot.stories.ticket_story import TicketStory, ids_in

    settings = settings_to_look_at()
    with reading_database(settings) as database:
        with database.read() as session:
            history = _find(session, which)
            rows = ticket_history.as_json(history)
        if as_json:
            click.echo(json.dumps(rows))
            return
        click.echo(TicketStory(history, names.known(ids_in(history), settings, database)).text())


def _find(session: "Session", which: str) -> "TicketHistory":
    """Return the history of the ticket that was asked for.

    Raises:
        click.UsageError: there is none.
    """
    from bot.store.tickets import ticket_history

    link = _LINK.search(which)
    if link is not None:
        seconds, micros = (link[group] for group in _SECONDS_AND_MICROS)
        history = ticket_history.of_message(session, link[1], f"{seconds}.{micros}")
        missing = f"no message of a ticket is at {which}"
    elif which.isascii() and which.isdigit():
        history = ticket_history.of_ticket(session, int(which)) if len(which) <= _DIGITS else None
        newest = ticket_history.newest(session)
        missing = f"there is no ticket {which}; " + (f"the newest is {newest}" if newest else "there is none yet")
    else:
        raise click.UsageError(f"expected the number of a ticket or the link of a Slack message, found {which!r}")
    if history is None:
        raise click.UsageError(missing)
    return history

"""The command that says what an event of the log means, and what to do about it."""

import json
import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, TypeAdapter, field_validator

from bot import yaml_text
from bot.cli.root import cli

TABLE = Path(__file__).parents[1] / "log_events.yaml"
NAME = re.compile(r"\b[a-z_]+\.[a-z_]+\b")
"The name of an event, alone or within a line of the log."


class LogEvent(BaseModel):
    """What the table says of one event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: tuple[str, ...]
    "Each level at which it is logged; any: those of libraries."
    means: str
    do: str

    @field_validator("level", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


@cache
def catalogue() -> dict[str, LogEvent]:
    """Return what the table says, by the names of the events."""
    return TypeAdapter(dict[str, LogEvent]).validate_python(yaml_text.load(TABLE.read_text("utf-8")))


@cli.group("logs")
def logs_group() -> None:
    """Understand what the processes log."""


@logs_group.command("explain")
@click.argument("events", metavar="EVENT...", nargs=-1)
@click.option("--all", "all_events", is_flag=True, help="Explain every event there is.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout: what is known, by event.")
def explain(*, events: tuple[str, ...], all_events: bool, as_json: bool) -> None:
    """Say what an event of the log means, and what to do about it.

    EVENT is its name, such as turn.delayed, or a whole line of the log in quotes.
    """
    if bool(events) == all_events:
        raise click.UsageError("name an event, such as turn.delayed, or give --all")
    asked = tuple(catalogue()) if all_events else tuple(dict.fromkeys(map(_named, events)))
    found = {name: catalogue()[name] for name in asked}
    if as_json:
        click.echo(json.dumps({name: event.model_dump() for name, event in found.items()}))
        return
    click.echo("\n".join(_shown(name, event) for name, event in found.items()), nl=False)


def _named(asked: str) -> str:
    """Return the event that is asked for.

    Raises:
        click.UsageError: there is none of that name.
    """
    name = _event_of_line(asked) or next((one for one in NAME.findall(asked) if one in catalogue()), asked.strip())
    if name in catalogue():
        return name
    close = get_close_matches(name, catalogue(), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "`deskhand logs explain --all` lists them"
    raise click.UsageError(f"no event is called {name[:80]!r}; {hint}")


def _event_of_line(asked: str) -> str | None:
    """Return the event that a line of JSON names, whatever else stands in it."""
    try:
        line: Any = json.loads(asked)
    except (ValueError, RecursionError):
        return None
    return str(line["event"]) if isinstance(line, dict) and "event" in line else None


def _shown(name: str, event: LogEvent) -> str:
    return f"{name} ({', '.join(event.level)})\n  {event.means}\n  What to do: {event.do}\n"

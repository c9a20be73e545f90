"""`deskhand init`: asks for what a first installation needs, checks it, and writes card, budgets and `.env`."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.root import cli, known, settings_of_environment
from bot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.cli.interview import Interview
    from bot.file_changes import Change
    from bot.setup.plan import Answers

INTERRUPTED = 130
"The exit code after Ctrl-C."


@dataclass(frozen=True, slots=True)
class Mode:
    """What is done with the differences."""

    asks: bool
    "Whether somebody sits at the terminal."
    yes: bool
    dry_run: bool
    as_json: bool


@cli.command("init")
@click.option("--agent", "name", help="The folder under config/agents/ to set up; the only one by default.")
@click.option("--hear", type=click.Choice(["socket", "http"]), help="How Slack reaches Deskhand; socket by default.")
@click.option("--help-channel", multiple=True, metavar="NAME|ID", help="A channel in which people ask; repeat it.")
@click.option("--queue-channel", metavar="NAME|ID", help="The channel of responders and owners alone.")
@click.option("--owner", multiple=True, metavar="EMAIL|ID", help="Who answers for the agent; repeat it for several.")
@click.option("--responder", multiple=True, metavar="EMAIL|ID", help="Who takes requests over; repeat it for several.")
@click.option("--approver", multiple=True, metavar="EMAIL|ID", help="A responder who may approve; all by default.")
@click.option("--on-call", metavar="EMAIL|ID", help="Person or group to mention when a handoff is not claimed.")
@click.option("--time-zone", help="Of the responders, such as Europe/Berlin; the first owner's by default.")
@click.option("--daily-cap", metavar="DOLLARS", help="US dollars that each channel may spend a day.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--dry-run", is_flag=True, help="Check everything and show the differences, but write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Ask nothing, and print one JSON object on stdout.")
def init(*, name: str | None, yes: bool, dry_run: bool, as_json: bool, **options: "str | Sequence[str] | None") -> None:
    """Set up an installation: ask, check each answer, and write the agent's card, the budgets and .env.

    It asks on a terminal. In a script, the options give the answers, and the environment or .env gives secrets and
    addresses: SLACK_BOT_TOKEN, SLACK_APP_TOKEN or SLACK_SIGNING_SECRET, DATABASE_URL, REDIS_URL and the model's key.
    What is set up already counts as answered. Each difference is shown, and nothing is written before you say yes.
    """
    mode = Mode(sys.stdin.isatty() and not as_json, yes, dry_run, as_json)
    said = {key: value if isinstance(value, str) else ",".join(value or ()) for key, value in options.items()}
    try:
        interview, answers, changes = _agreed(name, said, mode)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nEnded. Nothing was changed.", err=True)
        sys.exit(INTERRUPTED)
    _write(interview, answers, changes, mode)


def _agreed(name: str | None, said: dict[str, str], mode: Mode) -> "tuple[Interview, Answers, tuple[Change, ...]]":
    """Hold the interview, show what would change, and ask whether it is to be written.

    Raises:
        ConfigError: an answer is missing or wrong, and there is no terminal to ask on.
        click.Abort: somebody has pressed Ctrl-C, or said no.
    """
    from bot import env_file, file_changes
    from bot.cli.interview import Given, Interview
    from bot.cli.questions import Interviewer
    from bot.settings import override_environment
    from bot.setup import plan

    env = env_file.named(os.environ)
    if env is None:
        raise ConfigError(f"environment: {env_file.VARIABLE} is empty, so there is no file to write")
    settings = settings_of_environment()
    agent = known(settings, name)
    file_changes.refuse_unwritable(plan.files(settings, agent, env))
    interview = Interview(Interviewer(mode.asks), settings, agent, Given(**said))
    answers = interview.hold()
    hidden = _hidden_by_environment(interview, env)
    override_environment(interview.variables)
    changes = plan.changes(settings_of_environment(), agent, answers, env)
    for warning in [*interview.warnings, *hidden]:
        click.echo(f"Warning: {warning}", err=True)
    if changes and not mode.as_json:
        click.echo("\n" + "\n".join(change.shown() for change in changes))
    if changes and not mode.dry_run and not mode.yes:
        _ask_whether_to_write(changes, mode)
    return interview, answers, changes


def _hidden_by_environment(interview: "Interview", env: Path) -> list[str]:
    """Return a warning for each answer that another value in the environment will hide."""
    from bot import env_file

    in_file = env_file.read(env) if env.exists() else {}
    return [
        f"{name} has another value in the environment, which takes precedence over {env}; unset it there."
        for name, value in interview.variables.items()
        if os.environ.get(name) not in (None, "", value, in_file.get(name))
    ]


def _ask_whether_to_write(changes: "Sequence[Change]", mode: Mode) -> None:
    """Ask whether the differences are to be written.

    Raises:
        ConfigError: there is no terminal to ask on, and no --yes.
        click.Abort: the answer is no.
    """
    files = ", ".join(str(change.file) for change in changes)
    if not mode.asks:
        raise ConfigError(f"init: {files} would change; --yes writes them, and --dry-run shows the differences")
    click.confirm(f"Write {files}?", default=True, abort=True, err=True)


def _write(interview: "Interview", answers: "Answers", changes: "Sequence[Change]", mode: Mode) -> None:
    """Write the differences, unless it is a dry run, and say what is next."""
    from bot import file_changes
    from bot.setup import plan

    if written := bool(changes) and not mode.dry_run:
        file_changes.write(changes)
    hears = "socket" if "SLACK_APP_TOKEN" in interview.variables else "web"
    if mode.as_json:
        files = [{"file": str(one.file), "new": one.before is None} for one in changes]
        click.echo(json.dumps({"changed": files, "written": written, "warnings": interview.warnings}))
    elif not changes:
        click.echo("Everything is set up as you say; nothing is to be done.")
    elif not written:
        click.echo("Nothing was written (--dry-run).")
    else:
        click.echo("Written. Next: `deskhand migrate`, `deskhand directory load people.yaml` and `deskhand eval run`.")
        if without := ", ".join(plan.without_app(interview.agent, answers)):
            click.echo(f"An approver needs an authenticator app: `deskhand approvers enrol USER` for {without}.")
        click.echo(f"Then start `deskhand worker`, `deskhand clock` and `deskhand {hears}`, and ask `deskhand doctor`.")

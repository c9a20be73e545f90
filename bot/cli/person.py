"""The commands about one person: what is stored of them, as one document, and erasing it."""

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.questions import answered
from bot.cli.root import cli, own_database, reading_database, settings_to_look_at

if TYPE_CHECKING:
    from bot.casework.erasing import Receipt
    from bot.settings import Settings

OLD_PAGES = (
    "The database's file or its log could not be emptied of old pages, as somebody holds it or the disk is full: "
    "run the command again later."
)
UNDER_WAY = 3
"The exit code when something of the person is not done."


@cli.group("person")
def person_group() -> None:
    """Hand out everything that is stored of one person, or erase it."""


@person_group.command("export")
@click.argument("user", metavar="USER")
@click.option("--to", "to", type=click.Path(path_type=Path), help="A new file; by default USER.json here.")
@click.option("--also", multiple=True, help="A name or an address of theirs; may be given several times.")
def person_export(*, user: str, to: Path | None, also: tuple[str, ...]) -> None:
    """Write everything that is stored of a person to one file of JSON, which only you can read.

    USER is a Slack user id. The document has each table with how long it is kept and with the rows that are theirs,
    name them or belong to their tickets. Secrets, such as that of an approver's app, are left out.
    """
    from bot.store.personal import exporting, whose

    _check(user)
    file = to or Path(f"{user}.json")
    if file.exists():  # before every table is read; whether it has come since is looked at when it is written
        raise _exists(file)
    with reading_database(settings_to_look_at()) as database, database.read() as session:
        click.echo("Reading every table.", err=True)
        document = exporting.export(session, whose.gather(session, user, also))
    document["at"] = datetime.now(UTC).isoformat()
    _write_new(file, json.dumps(document, indent=2, ensure_ascii=False))
    rows = sum(len(table["rows"]) for table in document["tables"].values())
    are = "1 row is" if rows == 1 else f"{rows} rows are"
    click.echo(f"{are} in {file}, which only you can read. Delete it when it is handed over.")


@person_group.command("erase")
@click.argument("user", metavar="USER")
@click.option("--also", multiple=True, help="A name or an address of theirs; may be given several times.")
@click.option("--withdraw", is_flag=True, help="Do not wait for messages that Slack does not have yet: withdraw them.")
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@click.option("--json", "as_json", is_flag=True, help="The receipt as one JSON object on stdout.")
def person_erase(*, user: str, also: tuple[str, ...], withdraw: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase everything about a person, for good: ids, names, addresses and words, in the database and in Redis.

    USER is a Slack user id. What was counted and what it cost stays, without the person; so does the audit log, in
    which nothing names them afterwards. Names and addresses are taken from the directory and from Slack; --also adds
    others.
    Exit code 3: something of theirs is not done yet, and nothing was erased. The same command may be run again.
    """
    from bot.casework import erasing
    from bot.casework.erasing import StillUnderWay
    from bot.queue import JobQueue
    from bot.store.installation import marks

    _check(user)
    settings = settings_to_look_at()
    with own_database(settings, as_owner=True) as database:
        if not dry_run and not yes:
            with answered("Nothing was erased.", instead="With --yes nothing is asked."):
                click.confirm(f"Erase everything about {user}, for good?", abort=True, err=True)
        queue = JobQueue.connect(settings.redis_url, marks.enter(database, settings.deskhand_ground))
        queue.enter()
        click.echo("Looking through every table and through Redis.", err=True)
        names = (*also, *_names_in_slack(settings, user))
        options = {"withdraw": withdraw, "dry_run": dry_run}
        done = erasing.erase(database, queue, settings.deskhand_config, user, also=names, **options)
        queue.close()
    if isinstance(done, StillUnderWay):
        if as_json:
            click.echo(json.dumps({"erased": False, "under_way": done.what}))
        click.echo("\n".join(("Nothing was erased.", *done.what)), err=True)
        sys.exit(UNDER_WAY)
    click.echo(json.dumps({"erased": not dry_run, **done.as_json()}) if as_json else _receipt(done))


def _check(user: str) -> None:
    from bot.principals import USER_ID

    if not re.fullmatch(USER_ID, user):
        raise click.UsageError(f"expected a Slack user id such as U0MAYA, found {user!r}")


def _names_in_slack(settings: "Settings", user: str) -> tuple[str, ...]:
    """Return a person's name as Slack shows it, if it has more than one word: one word names many people."""
    from bot.slack.api import client, names

    if settings.slack_bot_token is None:
        return ()
    slack = client.connect(
        token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, network=settings.network
    )
    name = names.kept(slack).of(user)
    if name is None:
        click.echo("Slack does not tell their name; give names and addresses with --also.", err=True)
    return (name,) if name is not None and " " in name else ()


def _write_new(file: Path, text: str) -> None:
    """Write a file that does not exist yet and that only our account can read, whole or not at all.

    Raises:
        click.ClickException: it exists, or cannot be written.
    """
    from bot import private

    try:
        private.put(file, [f"{text}\n".encode()], only_new=True)
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}. Nothing was written.") from error


def _exists(file: Path) -> click.ClickException:
    return click.ClickException(f"{file} exists; name another one with --to. Nothing was written.")


def _receipt(receipt: "Receipt") -> str:
    counts = {**receipt.tables, **receipt.elsewhere}
    width = max(map(len, counts))
    head = "Would be changed or deleted:" if receipt.dry_run else "Changed or deleted:"
    lines = [head, *(f"  {name:<{width}}  {rows}" for name, rows in counts.items())]
    if receipt.compacted is False:
        lines.append(OLD_PAGES)
    if receipt.audit is not None:
        lines.append(f"The receipt is record {receipt.audit} of the audit log.")
    return "\n".join(lines)

"""The commands that explain acts of the audit log: one that is named, or a sample of them."""

import json
import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from bot.cli.audit import audit_group
from bot.cli.root import reading_database, settings_to_look_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.settings import Settings
    from bot.store.audit.things import Thing, ThingName
    from bot.store.db import Database
    from bot.stories.explanation import Explanation

SEVERAL = 1
"Exit code: what was named could be several things, which were listed."
MOST = 1_000
"The most acts of a sample."


@audit_group.command("explain")
@click.argument("what", metavar="THING")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times in UTC, amounts in nano-USD.")
def audit_explain(*, what: str, as_json: bool) -> None:
    """Explain one thing on one page: who asked, what was decided and done, whether the directory agreed.

    THING is the link of a Slack message, or a name such as ticket:12, turn:34, turn:34:2 (a tool call, or the
    directory's id of a change), approval:5, handoff:7, audit:17, position:17, or the id of a model call in the ledger.
    A number alone is looked up as each of these. Exit code 0 when it is explained, 1 when it could be several things,
    which are listed, and 2 when there is none or the database cannot be read.
    """
    from bot.store.audit import things
    from bot.stories import naming

    settings = settings_to_look_at()
    name = naming.parse(what)
    if name is None:
        raise click.UsageError(f"{what!r} names nothing.\n{naming.HOW}")
    with reading_database(settings) as database:
        with database.read() as session:
            found = things.find(session, name)
            first = None if found else things.first_record(session, name)
        if not found:
            raise click.UsageError(f"there is nothing that {what} names{_removed(first)}.\n{naming.HOW}")
        pages = [_explained(settings, database, one) for one in found]
    if len(pages) > 1:
        _list(what, pages, as_json=as_json)
        sys.exit(SEVERAL)
    click.echo(json.dumps(pages[0].as_json()) if as_json else pages[0].text())


@audit_group.command("sample")
@click.option("--n", "count", type=click.IntRange(1, MOST), default=25, help="How many acts; 25 by default.")
@click.option("--seed", help="Any text; the same one draws the same acts of the same log. Without it, one is made up.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times in UTC, amounts in nano-USD.")
def audit_sample(*, count: int, seed: str | None, as_json: bool) -> None:
    """Draw acts at random for an auditor: writes first, then approvals, handoffs and refusals, three lines each.

    The seed alone decides which, so that another auditor who repeats the command sees the same acts.
    """
    from bot.agent import card
    from bot.principals import Effect
    from bot.store.audit import strata, things
    from bot.store.audit.things import NameKind, ThingName
    from bot.stories import audit_sample
    from bot.tools.registry import REGISTRY

    settings = settings_to_look_at()
    card.load_all(settings.deskhand_config)  # registers the tools
    seed = seed or secrets.token_hex(4)
    writes = [name for name, tool in REGISTRY.items() if tool.effect is Effect.WRITE]
    link = _links(settings)
    with reading_database(settings) as database:
        with database.read() as session:
            population = strata.all_acts(session, writes)
            drawn = audit_sample.draw(seed, count, population)
            found = [things.find(session, ThingName(NameKind.RECORD, number=act.record))[0] for act in drawn]
        told = [
            audit_sample.ToldAct(act, _explained(settings, database, thing), link)
            for act, thing in zip(drawn, found, strict=True)
        ]
    sizes = {stratum: len(seqs) for stratum, seqs in population.items()}
    if as_json:
        click.echo(json.dumps({"seed": seed, "of": sizes, "acts": [one.as_json() for one in told]}))
        return
    click.echo(audit_sample.head(seed, sizes, drawn))
    for one in told:
        click.echo("\n" + one.text())


def _removed(first: "ThingName | None") -> str:
    """Return what is to be said when a name may be of a record that was removed, so that the first one left is this."""
    if first is None:
        return ""
    left = f"{first.kind}:{first.number}"
    return f"; the records of the audit log before {left} are sealed and removed, and an export from before has them"


def _explained(settings: "Settings", database: "Database", thing: "Thing") -> "Explanation":
    """Return the page of a thing, with the names of people and places as far as Slack or the directory knows them."""
    from bot.cli import names
    from bot.stories import reading

    with database.read() as session:
        known = reading.read(session, thing)
    return reading.page(known, names.known(known.ids, settings, database))


def _links(settings: "Settings") -> "Callable[[str, str], str | None]":
    """Return what gives the permanent link of a message in Slack; without a token there is none."""
    from bot.cli.names import SECONDS
    from bot.slack.api import client as slack

    if settings.slack_bot_token is None:
        return lambda _channel, _ts: None
    token = settings.slack_bot_token.get_secret_value()
    client = slack.connect(token=token, base_url=settings.slack_api_url, network=settings.network, seconds=SECONDS)
    return lambda channel, ts: slack.permalink(client, channel, ts)


def _list(what: str, pages: "list[Explanation]", *, as_json: bool) -> None:
    """List what a name could mean."""
    if as_json:
        could_mean: list[dict[str, Any]] = [{"thing": page.thing, "heading": page.heading} for page in pages]
        click.echo(json.dumps({"could_mean": could_mean}))
        return
    width = max(len(page.thing) for page in pages)
    lines = [f"  {page.thing:{width}}  {page.heading}" for page in pages]
    click.echo("\n".join([f"{what} could be:", *lines]))

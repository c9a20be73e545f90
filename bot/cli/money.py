"""The commands about money: prices, what was spent, and the digest for owners."""

import json
import sys
from datetime import datetime

import click

from bot.cli.questions import answered
from bot.cli.root import cli, known, reading_database, settings_of_environment, settings_to_look_at
from bot.cost_dimensions import DIMENSIONS, WINDOWS, Dimension, Window


@cli.group("prices")
def prices_group() -> None:
    """Show what model calls cost, and accept the prices of a newer genai-prices."""


@prices_group.command("show")
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; US dollars as text, to be exact.")
def prices_show(*, model: str | None, as_json: bool) -> None:
    """Show the prices in force, for MODEL or for all models."""
    from bot.budget.prices import price_list
    from bot.budget.prices.pricing import Prices

    prices = Prices.load(settings_of_environment().deskhand_config / "pricing.yaml")
    shown = price_list.as_json(prices, model) if as_json else price_list.as_text(prices, model)
    click.echo(json.dumps(shown) if as_json else shown)


@prices_group.command("diff")
@click.option("--yes", is_flag=True, help="Take the installed rates: config/prices.json is rewritten.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, without a question.")
def prices_diff(*, yes: bool, as_json: bool) -> None:
    """Show what the installed genai-prices would change; no price changes without a yes.

    Exit code 1 when there are changes that were not taken.
    """
    from bot.agent import card
    from bot.agent.release import model_of
    from bot.budget.prices import price_diff, snapshot

    settings = settings_of_environment()
    folder = settings.deskhand_config
    models = {name: model_of(settings, agent) for name, agent in card.load_all(folder).items()}
    news = price_diff.read(folder, models)
    if not as_json:
        click.echo(price_diff.as_text(news))
    ask = bool(news.changes) and not as_json and sys.stdin.isatty()
    with answered("No price was changed.", instead="With --yes nothing is asked."):
        accepted = news.installed != news.in_force and (yes or (ask and click.confirm("Take these prices?")))
    if accepted:
        snapshot.write(folder / snapshot.FILE, news.installed)
    if as_json:
        click.echo(json.dumps(price_diff.as_json(news, accepted=accepted)))
    elif accepted:
        click.echo(f"{folder / snapshot.FILE} is written; processes read it when they start. Commit it.")
    sys.exit(0 if accepted or not news.changes else 1)


@cli.command("digest")
@click.option("--period", "name", help="A week (2026-W47) or a month (2026-11); the last complete one by default.")
@click.option("--send", is_flag=True, help="Send it to the owners now; each gets it once, now or from the clock.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; nano-USD, null for unknown.")
def digest_command(*, name: str | None, send: bool, as_json: bool) -> None:
    """Show the digest of a week, or after the first quarter of a month: its cost beside the one before.

    The clock process sends it when it is due, and posts in Slack what --send has stored.
    """
    from bot import agent_cards
    from bot.agent import card
    from bot.budget.caps import Budgets
    from bot.cli import names
    from bot.slack.money import digest, digest_facts, digest_figures
    from bot.store.installation import marks
    from bot.store.money import spending
    from bot.store.schema import now

    settings, at = settings_to_look_at(), now()
    budgets = Budgets.load(settings.deskhand_config / "budgets.yaml")
    agents = card.load_all(settings.deskhand_config)
    with reading_database(settings) as database:
        with database.read() as session:
            spending.at_one_moment(session)
            period = digest_facts.asked_for(session, budgets, name, at=at)
            found = digest_facts.gather(session, budgets, period, at=at, rates=agent_cards.rates(agents))
        sent: tuple[str, ...] | None = None
        if send:
            marks.enter(database, settings.deskhand_ground)
            with database.write() as session:
                sent = digest_facts.send(
                    session, found, [owner for one in agents.values() for owner in one.card.owners]
                )
        called = {} if as_json else names.in_digest(found, sent or (), settings, database)
    if as_json:
        click.echo(json.dumps(digest_figures.as_json(found) | ({} if sent is None else {"sent": sent})))
    else:
        receipt = [] if sent is None else ["", digest.receipt(sent, called)]
        click.echo("\n".join([digest.as_text(found, called), *receipt]))


@cli.command("cost")
@click.option("--window", default="day", show_default=True, type=click.Choice(WINDOWS))
@click.option(
    "--by",
    default="user",
    show_default=True,
    type=click.Choice(DIMENSIONS),
    help="What a row is about.",
)
@click.option("--channel", help="Only what was spent in this channel (its id).")
@click.option("--user", help="Only what was spent for this person (their Slack id).")
@click.option("--agent", help="Only what this folder under config/agents/ spent.")
@click.option("--at", "day", type=click.DateTime(["%Y-%m-%d"]), help="A day in the window; today by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; nano-US-dollars, null for unknown.")
def cost_command(
    *,
    window: Window,
    by: Dimension,
    channel: str | None,
    user: str | None,
    agent: str | None,
    day: datetime | None,
    as_json: bool,
) -> None:
    """Show what was spent, on whom or what, against which budgets: the figures of /agent-cost."""
    from bot import agent_cards
    from bot.agent import card
    from bot.budget.caps import Budgets
    from bot.budget.reports import statement
    from bot.budget.reports.statement import Question
    from bot.cli import names
    from bot.dashboard.filters import EARLIEST
    from bot.slack.money import cost_table
    from bot.store.schema import now

    settings = settings_to_look_at()
    if agent is not None:
        known(settings, agent)
    budgets, at = Budgets.load(settings.deskhand_config / "budgets.yaml"), now()
    rates = agent_cards.rates(card.load_all(settings.deskhand_config))
    if day is not None and day.year < EARLIEST:
        raise click.BadParameter(f"expected a day since {EARLIEST}-01-01, found {day.date()}", param_hint="--at")
    if day is not None and day.date() > at.astimezone(budgets.zone).date():
        raise click.BadParameter(f"{day:%Y-%m-%d} has not come yet", param_hint="--at")
    if day is not None:
        at = min(at, day.replace(hour=12, tzinfo=budgets.zone))
    holders = (("channel", channel), ("user", user), ("agent", agent))
    named = tuple((scope, holder) for scope, holder in holders if holder is not None)
    question = Question(window, by, at, None, named, channel, user, agent)
    with reading_database(settings) as database:
        with database.read() as session:
            found = statement.draw_up(session, budgets, question, now=now(), rates=rates)
        if not as_json:
            found = names.put_into(found, settings, database)
    click.echo(json.dumps(cost_table.as_json(found)) if as_json else cost_table.as_text(found))

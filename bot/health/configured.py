"""Checks of the environment and of `config/` for `deskhand doctor`; they ask no service."""

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.agent import card
from bot.agent.card import Agent
from bot.agent.release import model_of
from bot.budget.caps import Budgets
from bot.budget.prices import price_diff
from bot.budget.prices.pricing import Prices
from bot.delegation import keys
from bot.errors import ConfigError
from bot.ground import Kind
from bot.health import budgets
from bot.health.findings import Finding
from bot.settings import Settings


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """Check that a process has what it needs to hear Slack and to speak."""
    if settings.slack_bot_token is None:
        yield Finding("settings", "fail", "SLACK_BOT_TOKEN is not set.", "Copy it from the app's Install App page.")
    ways_in = {"HTTP (deskhand web)": settings.slack_signing_secret, "Socket Mode": settings.slack_app_token}
    open_ways = [way for way, secret in ways_in.items() if secret is not None]
    if not open_ways:
        fix = "Set SLACK_SIGNING_SECRET for HTTP, or SLACK_APP_TOKEN for Socket Mode."
        yield Finding("settings", "fail", "Slack cannot reach Deskhand: neither secret is set.", fix)
    elif settings.slack_bot_token is not None:
        yield Finding("settings", "ok", f"Slack can reach Deskhand by {' and '.join(open_ways)}.")


def check_dashboard(settings: Settings) -> Iterator[Finding]:
    """Check whether people can reach the dashboard, and over what."""
    public = settings.deskhand_public_url
    if public is None:
        message = "There is no dashboard: DESKHAND_PUBLIC_URL is not set."
        yield Finding("dashboard", "ok", message)
        return
    if settings.slack_bot_token is None:
        yield Finding("dashboard", "fail", "Nobody can be let in: SLACK_BOT_TOKEN is not set.", "Set it.")
        return
    if (settings.slack_client_id is None) != (settings.slack_client_secret is None):
        message = "Only one of SLACK_CLIENT_ID and SLACK_CLIENT_SECRET is set."
        yield Finding("dashboard", "fail", message, "Set both to let people sign in with Slack, or neither.")
        return
    if public.startswith("http:") and settings.deskhand_ground is Kind.INSTALLATION:
        message = f"It is at {public}, which only browsers of this machine can open."
        yield Finding("dashboard", "warn", message, "Put a proxy with TLS in front, and its https address there.")
        return
    how = "Links from Slack lead to" if settings.slack_client_id is None else "People sign in with Slack at"
    yield Finding("dashboard", "ok", f"{how} {public}.")


def check_delegation(settings: Settings) -> Iterator[Finding]:
    """Check that there is a key that signs what each tool call may do."""
    try:
        valid = keys.of_settings(settings)
    except ConfigError as error:
        fix = "Run `deskhand keys generate`; no worker starts until the keys are right."
        yield Finding("delegation", "fail", f"{str(error)[:1].upper()}{str(error)[1:]}.", fix)
        return
    if len(valid.keys) > 1:
        message = f"Two keys are valid; {valid.signing.id} signs."
        yield Finding("delegation", "ok", message)
        return
    yield Finding("delegation", "ok", f"Tool calls are signed with the key {valid.signing.id}.")


def check_agents(settings: Settings) -> Iterator[Finding]:
    """Check every card, and that its key is set."""
    for agent in card.load_all(settings.deskhand_config).values():
        name, key = f"agent {agent.card.name}", agent.card.credentials.model
        if agent.card.status != "active":
            yield Finding(
                name, "warn", f"It is {agent.card.status}.", "Set `status: active` in its card to let it work."
            )
        elif not settings.has(key):
            yield Finding(name, "fail", f"Its key {key} is not set.", f"Set {key}, or name another in its card.")
        else:
            yield Finding(
                name,
                "ok",
                f"Its model is {model_of(settings, agent)}; channels that it listens to: {len(agent.card.channels)}.",
            )


def check_budgets(settings: Settings) -> Iterator[Finding]:
    """Check that the caps can be read and fit the agents."""
    file = settings.deskhand_config / "budgets.yaml"
    yield from budgets.look(Budgets.load(file), every(settings), file=file, at=datetime.now(UTC))


def check_money(settings: Settings) -> Iterator[Finding]:
    """Check that every model has a price, and whether newer prices are installed."""
    folder = settings.deskhand_config
    prices = Prices.load(folder / "pricing.yaml")
    models = {agent.card.name: model_of(settings, agent) for agent in active(settings)}
    unpriced = sorted({name for name in models.values() if not prices.knows(name)})
    if unpriced:
        message = f"{', '.join(unpriced)} has no price, so no call to it can be paid for."
        yield Finding("money", "fail", message, f"Add it to {folder / 'pricing.yaml'}.")
    else:
        yield Finding("money", "ok", "Every model has a price.")
    news = price_diff.read(folder, models)
    if news.felt:
        message = f"{news.installed.package} is installed and says: {'; '.join(map(price_diff.brief, news.felt))}."
        yield Finding("prices", "warn", message, "Look at `deskhand prices diff`, and accept them with --yes.")


def active(settings: Settings) -> list[Agent]:
    """Return the agents whose card says `status: active`."""
    return [agent for agent in every(settings) if agent.card.status == "active"]


def every(settings: Settings) -> list[Agent]:
    """Return every agent, or none when a card is wrong: `check_agents` reports that."""
    try:
        return list(card.load_all(settings.deskhand_config).values())
    except ConfigError:
        return []

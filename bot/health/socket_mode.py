"""Check for `deskhand doctor` that Slack takes the app token of Socket Mode."""

from collections.abc import Iterator

from bot.errors import Transient
from bot.health.findings import Finding
from bot.network import Network
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.slack.api import connections
from bot.slack.api.client import NotAuthorized, Rejected

FIX = "Copy it from Basic Information, App-Level Tokens; it needs connections:write, and the app Socket Mode."
SECONDS = 4
"The longest that the opening of a connection may take."


def check_socket_mode(settings: Settings) -> Iterator[Finding]:
    """Ask Slack for the address of a connection, and whether the way there is open; Slack lets the address lapse."""
    if settings.slack_app_token is None:
        yield Finding("socket mode", "ok", "It is not used: SLACK_APP_TOKEN is not set.")
        return
    token = settings.slack_app_token.get_secret_value()
    client = slack.connect(token=token, base_url=settings.slack_api_url, network=settings.network)
    try:
        url = str(slack.call(client.apps_connections_open, app_token=token).get("url") or "")
    except (NotAuthorized, Rejected) as error:
        yield Finding("socket mode", "fail", f"Slack refuses SLACK_APP_TOKEN: {error.code}.", FIX)
    except Transient as error:
        yield Finding("socket mode", "warn", f"Slack cannot be asked now ({error}).", "Run `deskhand doctor` again.")
    else:
        yield _way_to(url, settings.network)


def _way_to(url: str, network: Network) -> Finding:
    """Return whether a connection can be opened; nothing is sent on it, so that Slack sends no event to it."""
    try:
        connections.reach(network, url, seconds=SECONDS)
    except Transient as error:
        message = f"Its connection cannot be opened ({error})."
        return Finding("socket mode", "fail", message, "See docs/how-to/network.md.")
    return Finding("socket mode", "ok", f"Slack takes SLACK_APP_TOKEN; its connection is reached {network.route(url)}.")

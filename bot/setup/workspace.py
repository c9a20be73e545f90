"""Checks what somebody answers about their Slack workspace; an answer that does not hold is refused with its fix."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.errors import ConfigError, Transient
from bot.settings import Settings
from bot.slack.api import access, lookups
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.slack.api.lookups import ChannelSeen, PersonSeen

Answer = TypeVar("Answer")

BOT_PREFIX, APP_PREFIX = "xoxb-", "xapp-"
COPY_AGAIN = "copy the token anew from the app's settings at https://api.slack.com/apps"
ADD_SCOPES = "the token lacks a scope; give the app those of config/slack-manifest.yaml and install it again"


class NotAnswered(ConfigError):
    """Slack refuses to say it, or cannot be reached: nothing is known of what was asked for."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace of a bot token."""

    client: WebClient
    team: str
    bot: str

    def channel(self, called: str) -> ChannelSeen:
        """Return a channel in which the bot can work.

        Raises:
            ConfigError: there is none of that name or id, the bot is not in it, or other organisations read it.
        """
        found = _asked(lambda: lookups.channel(self.client, called))
        if found is None:
            raise ConfigError(
                f"{self.team} has no channel {called} that the bot can see; create it, or invite the bot to it when it "
                f"is private: /invite @{self.bot}"
            )
        if not found.joined:
            raise ConfigError(f"the bot is not in #{found.name}; write there: /invite @{self.bot}")
        if found.shared:
            raise ConfigError(f"#{found.name} is shared with another organisation, where the bot does not work")
        return found

    def person(self, called: str) -> PersonSeen:
        """Return a full member of the workspace, by e-mail address or id.

        Raises:
            ConfigError: no such person exists, or they are a guest, an app, deactivated or of another organisation.
        """
        found = _asked(lambda: lookups.person(self.client, called))
        if found is None:
            raise ConfigError(f"{self.team} has nobody with {called}; name the e-mail address that Slack shows of them")
        if not found.full:
            raise ConfigError(f"{found.name} ({called}) is no active, full member of {self.team}")
        return found


def enter(token: str, settings: Settings) -> Workspace:
    """Return the workspace of a bot token.

    Raises:
        ConfigError: the token is of another kind, or Slack refuses it or cannot be reached.
    """
    if not token.startswith(BOT_PREFIX):
        raise ConfigError(f"expected the bot token, which begins with {BOT_PREFIX} (Install App of the app's settings)")
    client = slack.connect(token=token, base_url=settings.slack_api_url, network=settings.network)
    me = _asked(lambda: access.identity(client))
    return Workspace(client, me.team, me.bot)


def app_token(workspace: Workspace, token: str) -> str:
    """Return an app token that opens Socket Mode.

    Raises:
        ConfigError: it is of another kind, or Slack refuses it or cannot be reached.
    """
    if not token.startswith(APP_PREFIX):
        raise ConfigError(f"expected an app-level token, which begins with {APP_PREFIX} (Basic Information of the app)")
    _asked(lambda: _opens_socket(workspace, token))
    return token


def _opens_socket(workspace: Workspace, token: str) -> None:
    """Ask Slack for a socket; it limits that to about one a minute, but refuses a token that it does not know first."""
    try:
        lookups.opens_socket(workspace.client, token)
    except Transient as error:
        if error.retry_after is None:
            raise


def _asked(ask: Callable[[], Answer]) -> Answer:
    """Return Slack's answer.

    Raises:
        NotAnswered: it refuses, or cannot be reached.
    """
    try:
        return ask()
    except (Transient, Rejected) as error:
        said = str(error).removeprefix("slack: ")
        fix = {"missing_scope": ADD_SCOPES, **dict.fromkeys(slack.FOR_AN_OPERATOR - {"missing_scope"}, COPY_AGAIN)}.get(
            said
        )
        if fix is None:
            raise NotAnswered(f"Slack does not answer this now: {said}; see docs/how-to/network.md") from error
        raise NotAnswered(f"Slack says {said}: {fix}") from error

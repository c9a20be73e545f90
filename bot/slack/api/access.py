"""Asks Slack what our token may do in this workspace, without changing or posting anything."""

from dataclasses import dataclass

from slack_sdk.web import SlackResponse

from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient

TAKES = "it takes the Bot User OAuth Token (xoxb-...) of an app that is installed in the workspace"
OF_A_PERSON = (
    "it is a person's token (xoxp-...); Deskhand takes the app's Bot User OAuth Token, which begins with xoxb-"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot that a token belongs to."""

    bot: str
    "Its name in the workspace."
    team: str
    scopes: frozenset[str]
    is_bot: bool
    "Whether the token is a bot's, and not a person's."


def identity(client: WebClient) -> Identity:
    """Return the bot of the client's token, with the token's scopes.

    Raises:
        Transient: Slack cannot be reached, or refuses the token.
    """
    given = ""

    def auth_test() -> SlackResponse:
        nonlocal given
        answer = client.auth_test()
        given = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), "")
        return answer

    me = slack.call(auth_test)
    scopes = frozenset(scope.strip() for scope in given.split(",") if scope.strip())
    return Identity(
        bot=str(me.get("user", "")), team=str(me.get("team", "")), scopes=scopes, is_bot=bool(me.get("bot_id"))
    )


def unheard(client: WebClient, channel: str) -> str | None:
    """Return Slack's error code when we cannot hear a channel, or None when we can.

    It reads one message, which needs no other scope than hearing does.

    Raises:
        Transient: Slack does not answer now.
    """
    try:
        slack.call(client.conversations_history, channel=channel, limit=1)
    except Rejected as error:
        return error.code
    return None

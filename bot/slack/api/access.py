"""What Slack lets us do in this workspace: who we are, what we may, what we can hear. Nothing is changed or said."""

from dataclasses import dataclass

from slack_sdk.web import SlackResponse

from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token is."""

    bot: str
    "Its name in the workspace."
    team: str
    scopes: frozenset[str]


def identity(client: WebClient) -> Identity:
    """Return who the client's token is, and the scopes that it was given.

    Raises:
        Transient: Slack is away, or the token is no good.
    """
    given = ""

    def auth_test() -> SlackResponse:
        nonlocal given
        answer = client.auth_test()
        given = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), "")
        return answer

    me = slack.call(auth_test)
    scopes = frozenset(scope.strip() for scope in given.split(",") if scope.strip())
    return Identity(bot=str(me.get("user", "")), team=str(me.get("team", "")), scopes=scopes)


def unheard(client: WebClient, channel: str) -> str | None:
    """Return why we cannot hear a channel, in Slack's word, or None when we can.

    Asked by reading one message, which needs no scope beyond those for hearing.

    Raises:
        Transient: Slack does not say now.
    """
    try:
        slack.call(client.conversations_history, channel=channel, limit=1)
    except Rejected as error:
        return error.code
    return None

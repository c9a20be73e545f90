"""What Slack lets us do: `bot.slack.api.access`."""

from pathlib import Path

import pytest
import yaml

from bot.errors import Transient
from bot.network import DIRECT
from bot.slack.api import access
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from tests.support.local_workspace import LocalWorkspace
from tests.support.paths import MANIFEST


def test_a_token_tells_who_it_is_and_what_it_may(client: WebClient) -> None:
    """The scopes are those that the app was installed with."""
    me = access.identity(client)
    assert (me.bot, bool(me.team)) == ("deskhand", True)
    assert me.scopes == frozenset(yaml.safe_load(Path(MANIFEST).read_text())["oauth_config"]["scopes"]["bot"])


def test_a_token_that_is_no_good_is_no_identity(workspace: LocalWorkspace) -> None:
    """Slack's word for it is passed on."""
    with pytest.raises(Transient, match="invalid_auth"):
        access.identity(slack.connect(token="xoxb-other", base_url=f"{workspace.base}/api/", network=DIRECT))


@pytest.mark.parametrize(
    ("channel", "why"),
    [("C0HELP", None), ("C0QUEUE", None), ("C0RANDOM", "not_in_channel"), ("C0NOWHERE", "channel_not_found")],
)
def test_a_channel_is_heard_or_slack_says_why_not(client: WebClient, channel: str, why: str | None) -> None:
    """Public or private, asked with the scopes that hearing needs anyway."""
    assert access.unheard(client, channel) == why


def test_a_rate_limit_is_no_answer(client: WebClient, workspace: LocalWorkspace) -> None:
    """Nobody knows then whether the bot is there."""
    workspace.faults({"method": "conversations.history", "kind": "rate_limit", "seconds": 1, "times": 1})
    with pytest.raises(Transient):
        access.unheard(client, "C0HELP")

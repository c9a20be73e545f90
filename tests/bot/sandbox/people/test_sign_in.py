"""Signing in with Slack at the local workspace: `bot.sandbox.people.sign_in`."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.workspace import create_app
from tests.support.live_server import served
from tests.support.local_workspace import KEY, WORKSPACE
from tests.support.unfollowed import ask_workspace

BACK = "http://127.0.0.1:3000/dashboard/sign-in/done"
ASKED = {
    "response_type": "code",
    "scope": "openid",
    "client_id": "1.2",
    "redirect_uri": BACK,
    "state": "a state",
    "nonce": "a nonce",
}


@pytest.fixture
def slack() -> Iterator[str]:
    """Serve a workspace whose app may sign people in; return its address."""
    config = replace(WORKSPACE, client_id="1.2", client_secret="a secret", redirect_url=BACK)
    with served(create_app(config)) as address:
        yield address


def code_for(slack: str, user: str = "U0OLIVIA") -> str:
    """Let somebody agree; return the code."""
    answer = ask_workspace(f"{slack}/openid/connect/agree?{urlencode({**ASKED, 'user': user})}", KEY)
    assert (answer.status, answer.location.startswith(f"{BACK}?")) == (302, True)
    given = parse_qs(urlsplit(answer.location).query)
    assert given["state"] == ["a state"]
    return given["code"][0]


def exchanged(slack: str, **changes: str) -> dict[str, Any]:
    """Exchange a code as an app does."""
    client = WebClient(token="", base_url=f"{slack}/api/")
    asked = {"client_id": "1.2", "client_secret": "a secret", "redirect_uri": BACK, **changes}
    return dict(client.openid_connect_token(**asked).data)  # type: ignore[arg-type]  # a JSON object


def test_page_asks_who_somebody_is(slack: str) -> None:
    """Slack would know; here each person of the workspace is a link."""
    asked = f"{slack}/openid/connect/authorize?{urlencode(ASKED)}"
    answer = ask_workspace(asked, KEY, **{"Sec-Fetch-Site": "same-site"})
    assert (answer.status, "Olivia" in answer.text, "Priya" in answer.text) == (200, True, True)
    assert "user=U0OLIVIA" in answer.text


def test_code_becomes_an_id_token_once(slack: str) -> None:
    """With Slack's claims, for the app, the person and the nonce; a second time it is no code."""
    code = code_for(slack)
    token = exchanged(slack, code=code)["id_token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (slack, "1.2", "a nonce")
    assert (claims["https://slack.com/user_id"], claims["https://slack.com/team_id"]) == ("U0OLIVIA", "T0DESKHAND")
    with pytest.raises(SlackApiError, match="invalid_code"):
        exchanged(slack, code=code)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1.3"}, "invalid_client_id"),
        ({"client_secret": "another"}, "bad_client_secret"),
        ({"redirect_uri": "http://127.0.0.1:3000/"}, "bad_redirect_uri"),
        ({"code": "guessed"}, "invalid_code"),
    ],
)
def test_exchange_is_refused_as_slack_does(slack: str, changes: dict[str, str], error: str) -> None:
    """For another app, with another secret, for another place or without a code."""
    with pytest.raises(SlackApiError, match=error):
        exchanged(slack, **{"code": code_for(slack), **changes})


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "1.3"}, {"redirect_uri": "https://evil.example/"}, {"response_type": "token"}, {"scope": "email"}],
)
@pytest.mark.parametrize("page", ["authorize", "agree"])
def test_odd_request_is_sent_nowhere(slack: str, page: str, changes: dict[str, str]) -> None:
    """The browser stays, and reads what is wrong."""
    asked = urlencode({**ASKED, **changes, "user": "U0OLIVIA"})
    answer = ask_workspace(f"{slack}/openid/connect/{page}?{asked}", KEY)
    assert (answer.status, answer.location) == (400, "")


def test_another_site_can_make_nobody_agree(slack: str) -> None:
    """It may lead to the page that asks, and not past it."""
    asked = urlencode({**ASKED, "user": "U0OLIVIA"})
    answer = ask_workspace(f"{slack}/openid/connect/agree?{asked}", KEY, **{"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, answer.location) == (403, "")

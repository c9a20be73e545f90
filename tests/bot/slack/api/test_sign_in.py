"""What Slack says of who has signed in: `bot.slack.api.sign_in`."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.errors import Transient
from bot.network import DIRECT
from bot.slack.api import sign_in
from bot.slack.api.sign_in import SlackSignIn, TokenFault

REDIRECT = "https://deskhand.example.com/dashboard/sign-in/done"
APP = SlackSignIn("1.2", "a secret", "https://slack.com/api/", REDIRECT, DIRECT)
NOW, NONCE, TEAM = 1_900_000_000.0, "a nonce", "T0DESKHAND"
CLAIMS: dict[str, Any] = {
    "iss": "https://slack.com",
    "sub": "U0OLIVIA",
    "aud": "1.2",
    "exp": int(NOW) + 300,
    "iat": int(NOW) - 1,
    "nonce": NONCE,
    "https://slack.com/team_id": TEAM,
    "https://slack.com/user_id": "U0OLIVIA",
}


def encoded(value: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(**changes: Any) -> str:
    """Return an id token with some claims changed; None leaves one out."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return f"{encoded({'alg': 'RS256'})}.{encoded(claims)}.c2lnbmF0dXJl"


def read(text: str) -> str | TokenFault:
    """Read a token as of now."""
    return sign_in.signed_in(APP, text, nonce=NONCE, team=TEAM, at=NOW)


def test_person_is_who_slack_names() -> None:
    """Every claim fits; the audience may be a list with our app alone."""
    assert read(token()) == "U0OLIVIA"
    assert read(token(aud=["1.2"])) == "U0OLIVIA"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"iss": "https://evil.example"}, TokenFault.ISSUER),
        ({"iss": "https://slack.com/"}, TokenFault.ISSUER),
        ({"iss": None}, TokenFault.ISSUER),
        ({"aud": "1.3"}, TokenFault.AUDIENCE),
        ({"aud": ["1.2", "1.3"]}, TokenFault.AUDIENCE),
        ({"aud": None}, TokenFault.AUDIENCE),
        ({"exp": int(NOW)}, TokenFault.TIME),
        ({"exp": None}, TokenFault.TIME),
        ({"exp": "1900000300"}, TokenFault.TIME),
        ({"exp": True}, TokenFault.TIME),
        ({"iat": int(NOW) + 120}, TokenFault.TIME),
        ({"iat": int(NOW) - 700}, TokenFault.TIME),
        ({"iat": None}, TokenFault.TIME),
        ({"nonce": "another"}, TokenFault.NONCE),
        ({"nonce": None}, TokenFault.NONCE),
        ({"nonce": ["a nonce"]}, TokenFault.NONCE),
        ({"https://slack.com/team_id": "T0OTHER"}, TokenFault.WORKSPACE),
        ({"https://slack.com/team_id": None}, TokenFault.WORKSPACE),
        ({"https://slack.com/user_id": None}, TokenFault.MALFORMED),
        ({"https://slack.com/user_id": "olivia"}, TokenFault.MALFORMED),
        ({"https://slack.com/user_id": ["U0OLIVIA"]}, TokenFault.MALFORMED),
    ],
)
def test_each_claim_is_checked(changes: dict[str, Any], fault: TokenFault) -> None:
    """One claim that does not fit is enough, and the audit log learns which."""
    assert read(token(**changes)) is fault


@pytest.mark.parametrize(
    "text", ["", "a.b", "a.!.c", f"a.{encoded([1])}.c", "a.b.c.d", "x" * 30_000, f"a.{'W' * 9999}.c"]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    """Without a fault of ours."""
    assert read(text) is TokenFault.MALFORMED


def test_slack_is_asked_for_our_workspace() -> None:
    """The address is Slack's own, with what belongs to this sign-in, and asks for no more than who it is."""
    address = urlsplit(sign_in.authorize_address(APP, state="s", nonce="n", team=TEAM))
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://slack.com/openid/connect/authorize"
    asked = {name: value for name, [value] in parse_qs(address.query).items()}
    assert asked == {
        "response_type": "code",
        "scope": "openid",
        "client_id": "1.2",
        "redirect_uri": APP.redirect_url,
        "state": "s",
        "nonce": "n",
        "team": TEAM,
    }


def test_answer_that_others_could_change_is_not_fetched() -> None:
    """The connection to Slack stands for the token's signature, so it must be private."""
    app = SlackSignIn("1.2", "a secret", "http://slack.example/api/", APP.redirect_url, DIRECT)
    with pytest.raises(Transient, match="TLS"):
        sign_in.id_token(app, "code", seconds=1)

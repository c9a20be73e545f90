"""Sign in with Slack: the address that asks Slack who somebody is, and the reading of its answer.

Slack answers with an id token, fetched with our client secret directly from Slack over TLS. OpenID Connect lets that
take the place of the token's signature (Core 1.0, 3.1.3.7, point 6), so no key of Slack is fetched, cached or trusted;
every claim is checked.

Source: docs.slack.dev/authentication/sign-in-with-slack.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit

from bot import public_address
from bot.errors import Transient
from bot.network import Network
from bot.principals import USER_ID
from bot.slack.api import client as slack

LATEST = 600
"Seconds within which an id token is used: Slack has just made it."
SKEW = 60
"The most seconds by which Slack's clock may differ from ours."
LONGEST_TOKEN = 20_000
TEAM, USER = "https://slack.com/team_id", "https://slack.com/user_id"
"Slack's own claims."


class TokenFault(StrEnum):
    """What is wrong with an id token; stored in the audit log."""

    MALFORMED = "id token cannot be read"
    ISSUER = "id token of another issuer"
    AUDIENCE = "id token for another app"
    TIME = "id token of another time"
    NONCE = "id token for another sign-in"
    WORKSPACE = "member of another workspace"


@dataclass(frozen=True, slots=True)
class SlackSignIn:
    """Our app as it signs people in."""

    client_id: str
    client_secret: str
    api_url: str
    "Slack's API address; the pages where people agree are beside it."
    redirect_url: str
    "Where Slack sends the browser back to; the app lists it."
    network: Network
    "How Slack is reached."

    @property
    def slack(self) -> str:
        """Return Slack's origin, which is also the issuer of its id tokens."""
        parts = urlsplit(self.api_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_private(self) -> bool:
        """Return whether nobody between us and Slack can change its answers."""
        parts = urlsplit(self.api_url)
        return parts.scheme == "https" or public_address.is_loopback(parts.hostname or "")


def authorize_address(app: SlackSignIn, *, state: str, nonce: str, team: str) -> str:
    """Return the address at Slack where somebody says who they are."""
    asked = {
        "response_type": "code",
        "scope": "openid",
        "client_id": app.client_id,
        "redirect_uri": app.redirect_url,
        "state": state,
        "nonce": nonce,
        "team": team,
    }
    return f"{app.slack}/openid/connect/authorize?{urlencode(asked)}"


def id_token(app: SlackSignIn, code: str, *, seconds: int) -> str:
    """Exchange a code for an id token; Slack takes each code once.

    Raises:
        Rejected: Slack does not take the code.
        Transient: Slack does not answer now.
    """
    if not app.is_private:
        raise Transient("slack: its address has no TLS, so its answer proves nothing")
    client = slack.connect(token="", base_url=app.api_url, network=app.network, seconds=seconds)
    answer = slack.call(
        client.openid_connect_token,
        client_id=app.client_id,
        client_secret=app.client_secret,
        code=code,
        redirect_uri=app.redirect_url,
        grant_type="authorization_code",
    )
    return str(answer.get("id_token") or "")


def signed_in(app: SlackSignIn, token: str, *, nonce: str, team: str, at: float) -> str | TokenFault:
    """Return the Slack user id in an id token that Slack has just given us, or what is wrong with it.

    Args:
        app: for whom it must be.
        token: the id token.
        nonce: what this browser's sign-in was begun with.
        team: our workspace.
        at: now, in seconds since 1970.
    """
    claims = _claims(token)
    if claims is None:
        return TokenFault.MALFORMED
    if claims.get("iss") != app.slack:
        return TokenFault.ISSUER
    if claims.get("aud") not in (app.client_id, [app.client_id]):
        return TokenFault.AUDIENCE
    if not _is_of_now(claims.get("iat"), claims.get("exp"), at):
        return TokenFault.TIME
    if not hmac.compare_digest(str(claims.get("nonce")).encode(errors="replace"), nonce.encode()):
        return TokenFault.NONCE
    user = claims.get(USER)
    if claims.get(TEAM) != team:
        return TokenFault.WORKSPACE
    return user if isinstance(user, str) and re.fullmatch(USER_ID, user) else TokenFault.MALFORMED


def _is_of_now(made: object, expires: object, at: float) -> bool:
    """Return whether a token was made lately and has not expired."""
    if type(made) is not int or type(expires) is not int:  # a bool would count as a number
        return False
    return made - SKEW <= at < expires and at - made <= LATEST


def _claims(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST_TOKEN:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return found if isinstance(found, dict) else None

"""Signing in with Slack: where it is set up, Slack itself says who sits at the browser, and no link is given away.

State and nonce are bound to the browser by a short-lived cookie, so that nobody can let somebody else's browser finish
a sign-in that they began.
"""

import hmac
import secrets
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.errors import ConfigError
from bot.settings import Settings
from bot.slack.api import sign_in
from bot.slack.api.client import Rejected
from bot.slack.api.sign_in import SlackSignIn, TokenFault
from bot.store.db import Database
from bot.store.installation import marks
from bot.web import dashboard, notices, visitors
from bot.web.doorway import Doorway
from bot.web.refusals import DoorRefusal
from bot.web.visitors import Cookie

START, DONE = "/dashboard/sign-in", "/dashboard/sign-in/done"
MINUTES = 10
"How long a sign-in may take."
SLACK_SECONDS = 3
"The longest wait for Slack's answer."
LONGEST_CODE = 1_000
NOT_BEGUN, DECLINED = "sign-in not begun in this browser", "not agreed to at Slack"


@dataclass(frozen=True, slots=True)
class SignInPages:
    """The two pages of signing in."""

    doorway: Doorway
    app: SlackSignIn
    cookie: Cookie

    async def begin(self, _request: Request) -> Response:
        """Send the browser to Slack."""
        return await self.doorway.answered(self._begun)

    async def finish(self, request: Request) -> Response:
        """Open the dashboard for whom Slack names."""
        given = {name: request.query_params.getlist(name) for name in ("state", "code", "error")}
        begun, before = (
            self._begun_with(request.headers),
            visitors.secret_in(request.headers, self.doorway.pages.cookie),
        )
        answer = await self.doorway.answered(lambda: self._finished(given, begun, before))
        answer.delete_cookie(
            self.cookie.name, path=self.cookie.path, secure=self.cookie.secure, httponly=True, samesite="lax"
        )
        return answer

    def _begun(self) -> Response:
        team = _team(self.doorway.ctx.database)
        if team is None:
            return dashboard.later("It is not known yet which workspace this is.")
        state, nonce = secrets.token_urlsafe(), secrets.token_urlsafe()
        response = RedirectResponse(sign_in.authorize_address(self.app, state=state, nonce=nonce, team=team), 303)
        response.set_cookie(
            self.cookie.name,
            f"{state}.{nonce}",
            max_age=60 * MINUTES,
            path=self.cookie.path,
            secure=self.cookie.secure,
            httponly=True,
            samesite="lax",  # Slack's page sends the browser back, and a strict cookie would stay away
        )
        return response

    def _begun_with(self, headers: Headers) -> tuple[str, str]:
        state, _, nonce = (visitors.secret_in(headers, self.cookie) or "").partition(".")
        return state, nonce

    def _finished(
        self, given: dict[str, list[str]], begun: tuple[str, str], before: str | None
    ) -> Response | DoorRefusal:
        (state, nonce), states, codes = begun, given["state"], given["code"]
        if not (state and nonce and len(states) == 1 and hmac.compare_digest(states[0].encode(), state.encode())):
            return DoorRefusal(NOT_BEGUN)
        if given["error"] or len(codes) != 1 or not 0 < len(codes[0]) <= LONGEST_CODE:
            return DoorRefusal(DECLINED)
        try:
            token = sign_in.id_token(self.app, codes[0], seconds=SLACK_SECONDS)
        except Rejected as error:
            return DoorRefusal(f"code refused by Slack: {error.code}")
        team = _team(self.doorway.ctx.database) or ""
        user = sign_in.signed_in(self.app, token, nonce=nonce, team=team, at=time.time())
        if isinstance(user, TokenFault):
            return DoorRefusal(user)
        secret = self.doorway.let_in(user, before)
        if not isinstance(secret, str):
            return secret
        # A strict cookie is not sent along a redirect that Slack's page began; a page of ours must lead on.
        go_on = [notices.link("Go to the dashboard", "/dashboard")]
        answer = self.doorway.with_cookie(notices.notice("You are signed in", more=go_on), secret)
        answer.headers["Refresh"] = "0; url=/dashboard"
        return answer


def routes(settings: Settings, doorway: Doorway) -> list[Route]:
    """Return the routes of signing in with Slack; none when it is not set up.

    Raises:
        ConfigError: a setting is missing, or Slack's address has no TLS, so that its word would prove nothing.
    """
    app = app_of(settings)
    if app is None:
        return []
    if not app.is_private:
        raise ConfigError("environment: SLACK_API_URL needs https to sign people in with Slack")
    session = doorway.pages.cookie
    path = "/" if session.secure else START
    one = SignInPages(doorway, app, Cookie(f"{session.name}-sign-in", path, secure=session.secure))
    return [Route(START, one.begin, methods=["GET"]), Route(DONE, one.finish, methods=["GET"])]


def app_of(settings: Settings) -> SlackSignIn | None:
    """Return our app as it signs people in; None when that is not set up.

    Raises:
        ConfigError: only one of the two settings is there.
    """
    client_id, secret, public = settings.slack_client_id, settings.slack_client_secret, settings.deskhand_public_url
    if (client_id is None) != (secret is None):
        raise ConfigError("environment: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are set together or not at all")
    if client_id is None or secret is None or public is None:
        return None
    return SlackSignIn(
        client_id, secret.get_secret_value(), settings.slack_api_url, f"{public}{DONE}", settings.network
    )


def _team(database: Database) -> str | None:
    """Return Slack's id of our workspace, which the bot token has shown."""
    with database.read() as session:
        seen = marks.read(session)
    return None if seen is None else seen.team or None

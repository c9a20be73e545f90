"""Sign in with Slack in the local workspace: the page where somebody agrees, and the exchange of its code.

The shapes are those of Slack's OpenID Connect. The id token's signature is random: whoever fetches a token directly
from us has no need of it.
"""

import base64
import json
import secrets
import time
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from bot.sandbox.guard import same
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.tokens import SignInCode
from bot.sandbox.slack.world import World

TOKEN_SECONDS = 300
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sign in · Local Slack workspace</title>
<h1>{title}</h1>
{content}
</html>
"""


async def authorize(request: Request) -> Response:
    """Ask who sits here; Slack itself knows, and asks only whether they agree."""
    world: World = request.app.state.world
    wrong = _wrong(world, dict(request.query_params))
    if wrong is not None:
        return _page(
            "Something went wrong when authorizing this app", f"<p>{escape(wrong)}</p>", HTTPStatus.BAD_REQUEST
        )
    people = [
        f'<li><a href="/openid/connect/agree?{escape(urlencode({**request.query_params, "user": one.id}))}">'
        f"{escape(one.real_name)}</a></li>"
        for one in world.seed.people
    ]
    return _page("Who are you? The app asks Slack.", f"<ul>{''.join(people)}</ul>")


async def agree(request: Request) -> Response:
    """Send the browser back to the app with a code for the person who agreed."""
    world: World = request.app.state.world
    asked = dict(request.query_params)
    user = asked.pop("user", "")
    wrong = _wrong(world, asked) or (None if user in {one.id for one in world.seed.people} else "unknown user")
    if wrong is not None:
        return _page(
            "Something went wrong when authorizing this app", f"<p>{escape(wrong)}</p>", HTTPStatus.BAD_REQUEST
        )
    code = world.issued.new_code(user, asked["redirect_uri"], asked.get("nonce"))
    return RedirectResponse(
        f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked.get('state', '')})}", 302
    )


async def exchange(request: Request) -> Response:
    """Answer `openid.connect.token`: a code once, for the app that it was made for."""
    world: World = request.app.state.world
    form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
    client_id, client_secret = _credentials(request, form)
    answer = _exchanged(world, client_id, client_secret, form, str(request.base_url).rstrip("/"))
    world.journal.note("api", "openid.connect.token", ok=answer["ok"], error=answer.get("error"), status=200)
    return JSONResponse(answer)


def _exchanged(world: World, client_id: str, client_secret: str, form: Json, issuer: str) -> Json:
    config = world.config
    if not same(client_id, config.client_id):
        return {"ok": False, "error": "invalid_client_id"}
    if not same(client_secret, config.client_secret):
        return {"ok": False, "error": "bad_client_secret"}
    code = world.issued.use_code(str(form.get("code", "")))
    if code is None:
        return {"ok": False, "error": "invalid_code"}
    if form.get("redirect_uri") != code.redirect_uri:
        return {"ok": False, "error": "bad_redirect_uri"}
    token = {"access_token": f"xoxp-{secrets.token_hex(12)}", "token_type": "Bearer"}
    return {"ok": True, **token, "id_token": _id_token(world, code, issuer)}


def _id_token(world: World, code: SignInCode, issuer: str) -> str:
    at = int(time.time())
    claims = {
        "iss": issuer,
        "sub": code.user,
        "aud": world.config.client_id,
        "exp": at + TOKEN_SECONDS,
        "iat": at,
        "auth_time": at,
        "https://slack.com/team_id": world.seed.team.id,
        "https://slack.com/user_id": code.user,
        **({} if code.nonce is None else {"nonce": code.nonce}),
    }
    header = {"typ": "JWT", "alg": "RS256", "kid": "local"}
    return ".".join((_encoded(json.dumps(header)), _encoded(json.dumps(claims)), secrets.token_urlsafe(256)))


def _wrong(world: World, asked: dict[str, str]) -> str | None:
    """Return what Slack would hold against a request to sign in, or None."""
    config = world.config
    if not same(asked.get("client_id", ""), config.client_id):
        return "invalid client_id"
    if asked.get("redirect_uri") != config.redirect_url:
        return "redirect_uri did not match any configured URIs"
    if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
        return "invalid scope or response_type"
    return None


def _credentials(request: Request, form: Json) -> tuple[str, str]:
    """Return the app's id and secret from the Authorization header, or from the form."""
    given = request.headers.get("authorization", "")
    if given.startswith("Basic "):
        try:
            client_id, _, secret = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        except ValueError:
            return "", ""
        return client_id, secret
    return str(form.get("client_id", "")), str(form.get("client_secret", ""))


def _page(title: str, content: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), content=content), status)


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

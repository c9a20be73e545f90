"""Who may send requests to the local workspace: the bot with its token, and the page opened by the printed address.

Every web site that a developer has open can send requests to this machine. So a request is answered only if it was sent
to our own address (another site may own a name that points here), comes from no other site, and carries a secret that
only we hand out: the key of the page, or what a route for the bot checks itself. Every route that is not named here
needs the key.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

KEY_HEADER = "x-page-key"
"The header in which our programs send the key; a browser sends it for another site only with our permission."
OPEN = ("/healthz",)
"What anybody on this machine may request."
FOR_PROGRAMS = ("/api/", "/upload/", "/link", "/commands/", "/actions/", "/app/", "/files-pri/")
"""What the bot requests, with a token or an address that only it was given; browsers never request it.

A name that ends in a slash includes everything below it.
"""
FROM_ELSEWHERE = ("/", "/openid/connect/authorize")
"Pages that a link on another site may lead to; they change nothing, and show nothing to it."
SAFE_METHODS = frozenset({"GET", "HEAD"})
FROM_HERE = frozenset({"same-origin", "none"})
"What a browser sends with a request that our own page made, or that was typed."

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_WHAT_TO_DO = """<!doctype html>
<html lang="en">
<title>Local Slack workspace</title>
<h1>This address lacks its key</h1>
<p>Open the whole address that <code>make demo</code> or <code>deskhand sandbox</code> printed; it ends in
<code>?key=…</code>, and a demo has a new key each time it starts.</p>
<p>If you have just opened it: <a href="/">go on to the workspace</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request says about itself."""

    path: str
    method: str
    headers: Headers
    query: Mapping[str, Sequence[str]]
    port: int
    hosts: frozenset[str]
    "Every spelling of our address."

    @property
    def for_programs(self) -> bool:
        """Return whether it is for a route of the bot."""
        return any(self.path == one or (one.endswith("/") and self.path.startswith(one)) for one in FOR_PROGRAMS)

    @property
    def of_a_browser(self) -> bool:
        """Return whether it comes from a browser."""
        return "origin" in self.headers or "sec-fetch-site" in self.headers


class Guard:
    """Checks every request before any route."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        if not key:
            raise ValueError("the local workspace needs a key")
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer why not."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        answer = self._answer(_asked(scope))
        if answer is None:
            await self._app(scope, receive, _careful(send))
        elif scope["type"] == "websocket":
            await WebSocketClose(1008)(scope, receive, send)
        else:
            await answer(scope, receive, _careful(send))

    def _answer(self, asked: _Asked) -> Response | None:
        """Return the answer to a request that may not pass, or to the first one that carries the key."""
        if refused := _refused(asked):
            return PlainTextResponse(refused, HTTPStatus.FORBIDDEN)
        if asked.path in OPEN or asked.for_programs:
            return None
        if asked.path == "/" and "key" in asked.query:
            return self._let_in(asked)
        if not self._has_key(asked):
            return HTMLResponse(_WHAT_TO_DO, HTTPStatus.FORBIDDEN)
        if asked.method not in SAFE_METHODS and not _is_json(asked.headers):
            return PlainTextResponse("Only JSON is taken here.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return None

    def _let_in(self, asked: _Asked) -> Response:
        """Turn the key of the printed address into a cookie, and remove it from the address."""
        if not same(asked.query["key"][-1], self._key):
            return HTMLResponse(_WHAT_TO_DO, HTTPStatus.FORBIDDEN)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.set_cookie(cookie_name(asked.port), self._key, httponly=True, samesite="strict", path="/")
        return answer

    def _has_key(self, asked: _Asked) -> bool:
        shown = (asked.headers.get(KEY_HEADER), _cookie(asked.headers, cookie_name(asked.port)))
        return any(one is not None and same(one, self._key) for one in shown)


def cookie_name(port: int) -> str:
    """Return the name of the key's cookie, with the port: a browser sends a cookie to all ports of a machine."""
    return f"deskhand-{port}"


def refused_to_programs(scope: Scope) -> str | None:
    """Return why a request is refused where only programs may ask, or None."""
    asked = _asked(scope)
    return _refused(asked) or ("Browsers may not use this address." if asked.of_a_browser else None)


def _refused(asked: _Asked) -> str | None:
    """Return why a request is refused no matter who sends it, or None."""
    hosts, origins = asked.headers.getlist("host"), asked.headers.getlist("origin")
    if len(hosts) != 1 or hosts[0].lower() not in asked.hosts:
        return f"The local workspace has another name: http://127.0.0.1:{asked.port}/."
    if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
        return "Another site may not ask the local workspace."
    if asked.for_programs and asked.of_a_browser:
        return "Browsers may not use this address."
    site = asked.headers.get("sec-fetch-site", "same-origin")
    if site not in FROM_HERE and not (asked.path in FROM_ELSEWHERE and asked.method in SAFE_METHODS):
        return "Another site may not ask the local workspace."
    return None


def _asked(scope: Scope) -> _Asked:
    host, port = scope.get("server") or ("127.0.0.1", 0)
    names = {"127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in str(host) else str(host)}
    return _Asked(
        path=scope["path"],
        method=scope.get("method", "GET"),
        headers=Headers(scope=scope),
        query=parse_qs(scope.get("query_string", b"").decode("latin-1")),
        port=int(port or 0),
        hosts=frozenset(f"{name}:{port}" for name in names),
    )


def _careful(send: Send) -> Send:
    """Add headers to every answer so that no other site can frame, read or guess it; a route may be stricter."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return None if found is None else found.value


def same(shown: str, key: str) -> bool:
    """Compare two secrets in constant time; an empty one never matches."""
    # JSON may hold half of a surrogate pair, which is not valid UTF-8.
    return bool(key) and hmac.compare_digest(shown.encode(errors="replace"), key.encode())

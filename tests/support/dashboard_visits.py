"""Visits to the dashboard by raw HTTP, header by header, as browsers and others make them."""

import http.client
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from bot.store import dashboard_access
from bot.store.db import Database
from tests.support.live_server import PATIENCE

PUBLIC = "http://127.0.0.1:3000"
"The public address of the dashboard in tests: the process listens on another port, which it does not know."
COOKIE = "deskhand-dashboard"
CLIENT_ID, CLIENT_SECRET = "1111.2222", "client-secret-of-the-front"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Seen:
    """An answer as it came over the wire."""

    status: int
    text: str
    headers: http.client.HTTPMessage = field(repr=False)

    @property
    def cookie(self) -> str | None:
        """Return the secret that the answer sets in the session's cookie; None when it sets none."""
        found = SimpleCookie("; ".join(self.headers.get_all("set-cookie", [])))
        return found[COOKIE].value if COOKIE in found else None


@dataclass(frozen=True)
class VisitedAddress:
    """The address of a web process, asked exactly as a test says."""

    address: str

    def send(self, method: str, path: str, *headers: tuple[str, str], body: bytes | None = None) -> Seen:
        """Send a request with these headers and no others but the Host, which they may name."""
        place = urlsplit(self.address)
        with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)) as connection:
            own_host = any(name.lower() == "host" for name, _ in headers)
            connection.putrequest(method, path, skip_host=own_host, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Seen(answer.status, answer.read().decode(), answer.headers)

    def get(self, path: str, secret: str | None = None, *headers: tuple[str, str]) -> Seen:
        """Ask for a page, with a session's secret or without."""
        return self.send("GET", path, *_with_cookie(secret), *headers)

    def press(
        self,
        path: str,
        fields: dict[str, str],
        secret: str | None = None,
        *,
        origin: Sequence[tuple[str, str]] = (("Origin", PUBLIC),),
    ) -> Seen:
        """Press the button of a form, as a browser sends it."""
        headers = [("Content-Type", FORM), *origin, *_with_cookie(secret)]
        return self.send("POST", path, *headers, body=urlencode(fields).encode())


def with_session(database: Database, user: str, *, hours: float = 8.0) -> str:
    """Open a session for somebody without a link; return its secret."""
    secret = f"secret-of-{user}"
    with database.write() as session:
        dashboard_access.open_session(session, secret, user, lasts=timedelta(hours=hours), by="test")
    return secret


def _with_cookie(secret: str | None) -> list[tuple[str, str]]:
    return [] if secret is None else [("Cookie", f"{COOKIE}={secret}")]

"""Requests to the web process as Slack signs them, and others that a test makes up."""

import hashlib
import hmac
import http.client
import json
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.support.json_object import Json
from tests.support.live_server import PATIENCE
from tests.support.workspace_names import TEAM

FRONT_SECRET = "front-door-secret"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"Asks without a proxy: every address here is our own."


@dataclass(frozen=True)
class SignedRequests:
    """Requests to one web process."""

    url: str
    "The events address."

    def post(
        self, body: bytes | str, *, kind: str = "application/json", at: object = None, signature: str | None = None
    ) -> tuple[int, str]:
        """Send a request as Slack signs it; return status and body.

        Args:
            body: the raw body.
            kind: its content type.
            at: the time stamp it is signed for, now by default.
            signature: another signature than the right one; an empty one is not sent.
        """
        raw = body if isinstance(body, bytes) else body.encode()
        stamp = str(int(time.time())) if at is None else str(at)
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": stamp}
        headers["X-Slack-Signature"] = sign(raw, stamp) if signature is None else signature
        return self.send(raw, {name: value for name, value in headers.items() if value})

    def send(self, raw: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Send a request exactly as given."""
        place = urlsplit(self.url)
        with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)) as connection:
            connection.request("POST", place.path, raw, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def send_chunks(self, chunks: list[bytes], headers: dict[str, str]) -> int:
        """Send a body piece by piece, its length untold; return the status."""
        place = urlsplit(self.url)
        with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)) as connection:
            connection.request("POST", place.path, iter(chunks), headers, encode_chunked=True)
            return connection.getresponse().status

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a page of the web process; return status and body."""
        try:
            with DIRECT.open(f"{self.url.removesuffix('/slack/events')}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def event(self, event: Json, *, event_id: str = "Ev0FRONT", headers: dict[str, str] | None = None) -> int:
        """Deliver an event by a request of the test's own; return the status."""
        body = {"type": "event_callback", "team_id": TEAM, "event_id": event_id, "event": event}
        raw, stamp = json.dumps(body).encode(), str(int(time.time()))
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": sign(raw, stamp)}
        return self.send(raw, {"Content-Type": "application/json", **signed, **(headers or {})})[0]

    def form(self, fields: Json) -> tuple[int, str]:
        """Deliver a slash command's form."""
        return self.post(urlencode(fields), kind="application/x-www-form-urlencoded")

    def payload(self, payload: Json) -> tuple[int, str]:
        """Deliver an interaction: a click, a submission, a shortcut."""
        return self.form({"payload": json.dumps(payload)})


def sign(raw: bytes, stamp: str, secret: str = FRONT_SECRET) -> str:
    """Return Slack's v0 signature, built by hand."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()

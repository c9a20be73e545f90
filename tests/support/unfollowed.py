"""Asks for a page and stays where it is, so that a test sees where a browser would be sent."""

import urllib.error
import urllib.request
from dataclasses import dataclass

from bot.sandbox.guard import KEY_HEADER
from tests.support.live_server import PATIENCE


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: object) -> None:
        """Return nothing to follow."""


_BROWSER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())


@dataclass(frozen=True)
class Unfollowed:
    """An answer of the local workspace."""

    status: int
    text: str
    location: str
    "Where the browser is sent; empty: nowhere."


def ask_workspace(address: str, key: str, **headers: str) -> Unfollowed:
    """Ask for a page of the workspace with the page's key."""
    request = urllib.request.Request(address, headers={KEY_HEADER: key, **headers})  # noqa: S310 - ours
    try:
        with _BROWSER.open(request, timeout=PATIENCE) as answer:
            return Unfollowed(answer.status, answer.read().decode(), "")
    except urllib.error.HTTPError as error:
        with error:
            return Unfollowed(error.code, error.read().decode(), str(error.headers.get("Location", "")))

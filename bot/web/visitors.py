"""Finds out who asks for a page of the dashboard. Rights are looked up for every request; nothing is remembered.

The cookie proves only that this browser has opened the dashboard. Whether its person may still look is read from the
cards, from who has left, and from Slack.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

import structlog
from starlette.datastructures import Headers

from bot import rights
from bot.listeners.context import ListenerContext
from bot.rights import Actor, Forbidden, Viewer
from bot.store import dashboard_access, members
from bot.store.schema import SessionEnd

log = structlog.get_logger()

LONGEST_COOKIE = 200
"The most characters of a cookie that can be ours."


@dataclass(frozen=True, slots=True)
class Cookie:
    """The name and place of the cookie that holds a session's secret."""

    name: str
    path: str
    secure: bool


def cookie_for(public_url: str) -> Cookie:
    """Return the cookie of a dashboard at an address.

    With https, a browser keeps a cookie with the prefix `__Host-` only if this very host has set it; such a cookie
    must be for the path `/`.
    """
    if public_url.startswith("https:"):
        return Cookie("__Host-deskhand", "/", secure=True)
    return Cookie("deskhand-dashboard", "/dashboard", secure=False)


def secret_in(headers: Headers, cookie: Cookie) -> str | None:
    """Return the session's secret that a request carries; None for none, and for two of them: one is not ours."""
    found = [value for name, value in _cookies(headers) if name == cookie.name]
    return found[0] if len(found) == 1 and 0 < len(found[0]) <= LONGEST_COOKIE else None


def is_from_our_page(headers: Headers, public_url: str) -> bool:
    """Return whether a browser says that one of our own pages has sent this form.

    Every browser sends `Origin` with a form. Under our policy to send no referrer it is `null`, and the browser then
    says in `Sec-Fetch-Site`, which no page can set, whether the form came from our own origin.
    """
    origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
    if len(origins) != 1 or sites not in ([], ["same-origin"]):
        return False
    return origins[0] == public_url or (origins[0] == "null" and sites == ["same-origin"])


def viewer(ctx: ListenerContext, secret: str) -> Viewer | Forbidden | None:
    """Return who looks with a session's secret, or why they may not; None when no session has this secret.

    A session whose person may no longer look ends here, unless Slack could not be asked.

    Raises:
        Transient: the database cannot be reached.
    """
    with ctx.database.read() as session:
        user = dashboard_access.person_of(session, secret)
        left = user is not None and members.has_left(session, user)
    if user is None:
        return None
    membership = ctx.membership(user, "")
    found = rights.viewer(ctx.agents, Actor(user, membership, left=left))
    ended = None if isinstance(found, Viewer) else _end_of(found)
    if ended is not None:
        with ctx.database.write() as session:
            dashboard_access.end_session(session, secret, ended)
    return found


def _end_of(why: Forbidden) -> SessionEnd | None:
    """Return why a session ends when its person is forbidden to look; None: it does not end."""
    match why:
        case Forbidden.NO_ROLE | Forbidden.NO_AGENT | Forbidden.NOT_THEIRS | Forbidden.NO_APPROVER:
            return SessionEnd.NO_ROLE
        case Forbidden.LEFT | Forbidden.STRANGER:
            return SessionEnd.NOT_A_MEMBER
        case Forbidden.UNCHECKED | Forbidden.OWN_REQUEST | Forbidden.VOUCHED:
            return None
        case _:
            assert_never(why)


def _cookies(headers: Headers) -> Iterator[tuple[str, str]]:
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            name, _, value = pair.partition("=")
            yield name.strip(), value.strip()

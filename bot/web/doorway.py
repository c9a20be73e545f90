"""The way into the dashboard and out of it: a link is shown, used once, and its session is ended.

A GET never uses a link, since programs that look at links fetch them; the button on the link's page sends the POST that
does. Whatever is wrong with a link, its visitor is told the same. The audit log has the reason.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot import rights, signed_links
from bot.casework.context import actor
from bot.casework.dashboard_links import DashboardDoor
from bot.listeners.context import ListenerContext
from bot.rights import Forbidden, Viewer
from bot.signed_links import SignedLink
from bot.store import dashboard_access
from bot.store.schema import SessionEnd
from bot.web import dashboard, notices, visitors
from bot.web.dashboard import PageMaker
from bot.web.refusals import DoorRefusal, RefusalLog

SESSION = timedelta(hours=8)
"The longest time that the dashboard stays open in a browser."
SECRET_BYTES = 32
LONGEST_FORM = 2_000
"The most bytes of a form: ours have one field."
FORM_SECONDS = 3.0
OPEN, SIGN_OUT = "/dashboard/open", "/dashboard/sign-out"


class DoorCheck(StrEnum):
    """The check that a link or a form did not pass."""

    FOREIGN = "not sent by our page"
    UNREADABLE = "not signed by us"
    EXPIRED = "expired"
    USED = "used before or withdrawn"


@dataclass(frozen=True, slots=True)
class Doorway:
    """The pages around the dashboard's links and sessions."""

    ctx: ListenerContext
    door: DashboardDoor
    pages: PageMaker
    refusals: RefusalLog

    async def show(self, request: Request) -> Response:
        """Show whom a link is for, with the button that uses it."""
        given = request.query_params.getlist("link")
        return await self.answered(lambda: self._shown(given))

    async def use(self, request: Request) -> Response:
        """Use a link: open the dashboard in this browser."""
        given = await _form(request, "link")
        before = visitors.secret_in(request.headers, self.pages.cookie)
        if not visitors.is_from_our_page(request.headers, self.door.public_url):
            return await self.answered(lambda: DoorRefusal(DoorCheck.FOREIGN))
        return await self.answered(lambda: self._used(given, before))

    async def sign_out(self, request: Request) -> Response:
        """End the session of this browser."""
        secret = visitors.secret_in(request.headers, self.pages.cookie)
        if not visitors.is_from_our_page(request.headers, self.door.public_url):
            return await self.answered(lambda: DoorRefusal(DoorCheck.FOREIGN))
        return await self.answered(lambda: self._signed_out(secret))

    async def answered(self, decide: Callable[[], Response | DoorRefusal]) -> Response:
        """Run what decides about a request in a thread; a refusal is recorded, and answered as every other."""

        def make() -> Response:
            found = decide()
            if isinstance(found, Response):
                return found
            self.refusals.add(found)
            return _closed(by_sign_in=self.door.by_sign_in)

        return await self.pages.run(make)

    def _shown(self, given: list[str]) -> Response | DoorRefusal:
        link = self._read(given)
        if isinstance(link, DoorRefusal):
            return link
        with self.ctx.database.read() as session:
            unused = dashboard_access.is_unused(session, link.id, link.user)
        if not unused:
            return DoorRefusal(DoorCheck.USED, link.user, link.id)
        name = self.ctx.names(link.user) or link.user
        return notices.notice(
            f"Open the dashboard as {name}",
            f"This link was made for {name} ({link.user}) alone. If you are somebody else, close this page.",
            "It works once. The dashboard stays open in this browser for eight hours at most, or until you sign out.",
            more=[notices.button(f"Open as {name}", OPEN, link=given[0])],
        )

    def _used(self, given: list[str], before: str | None) -> Response | DoorRefusal:
        link = self._read(given)
        if isinstance(link, DoorRefusal):
            return link
        secret = self.let_in(link.user, before, link)
        if not isinstance(secret, str):
            return secret
        return self.with_cookie(RedirectResponse("/dashboard", status_code=303), secret)

    def let_in(self, user: str, before: str | None, link: SignedLink | None = None) -> str | Response | DoorRefusal:
        """Open a session for somebody who may look at the dashboard now; return the secret for their browser.

        Args:
            user: Slack user id.
            before: the secret that the browser has from another session, which ends.
            link: the link that is used; None when they have signed in with Slack.
        """
        membership, link_id = self.ctx.membership(user, ""), None if link is None else link.id
        with self.ctx.database.read() as session:
            who = actor(session, user, membership)
        found = rights.viewer(self.ctx.agents, who)
        if found is Forbidden.UNCHECKED:
            return dashboard.later("Slack does not say at this moment who you are.")
        if not isinstance(found, Viewer):
            return DoorRefusal(found, user, link_id)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        with self.ctx.database.write() as session:
            if link is not None and not dashboard_access.use_link(session, link.id, user):
                return DoorRefusal(DoorCheck.USED, user, link_id)
            if before is not None:
                dashboard_access.end_session(session, before, SessionEnd.REPLACED)
            by = "sign-in with Slack" if link is None else "link"
            dashboard_access.open_session(session, secret, user, lasts=SESSION, by=by)
        return secret

    def with_cookie(self, response: Response, secret: str) -> Response:
        """Return an answer that puts a session's secret into the browser."""
        cookie = self.pages.cookie
        response.set_cookie(
            cookie.name,
            secret,
            max_age=int(SESSION.total_seconds()),
            path=cookie.path,
            secure=cookie.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    def _signed_out(self, secret: str | None) -> Response:
        if secret is not None:
            with self.ctx.database.write() as session:
                dashboard_access.end_session(session, secret, SessionEnd.SIGNED_OUT)
        response = notices.notice(
            "You are signed out",
            "The dashboard is closed in this browser. To open it again, send /agent-eval in Slack.",
        )
        cookie = self.pages.cookie
        response.delete_cookie(cookie.name, path=cookie.path, secure=cookie.secure, httponly=True, samesite="strict")
        return response

    def _read(self, given: list[str]) -> SignedLink | DoorRefusal:
        link = signed_links.read(self.door.keys, given[0]) if len(given) == 1 else None
        if link is None:
            return DoorRefusal(DoorCheck.UNREADABLE)
        return DoorRefusal(DoorCheck.EXPIRED, link.user, link.id) if link.expires <= time.time() else link


def routes(doorway: Doorway) -> list[Route]:
    """Return the routes of links and of signing out; where people sign in with Slack, no link opens anything."""
    links = [Route(OPEN, doorway.show, methods=["GET"]), Route(OPEN, doorway.use, methods=["POST"])]
    return [*([] if doorway.door.by_sign_in else links), Route(SIGN_OUT, doorway.sign_out, methods=["POST"])]


async def _form(request: Request, field: str) -> list[str]:
    """Return the values of a form's field; none when it is no form, is too long, or does not arrive in time."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return []
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST_FORM:
                    return []
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10).get(field, [])
    except (TimeoutError, ClientDisconnect, ValueError):  # ValueError: no UTF-8, or too many fields
        return []


def _closed(*, by_sign_in: bool) -> HTMLResponse:
    """Return the answer to every link and form that is not accepted: it is the same for all reasons."""
    title, go_on = (
        "This does not open the dashboard",
        notices.link("If it is open in this browser: go to it", "/dashboard"),
    )
    if by_sign_in:
        again = notices.link("Sign in with Slack", "/dashboard/sign-in")
        said = "Owners and responders of an agent sign in with Slack."
        return notices.notice(title, said, status=403, more=[again, go_on])
    return notices.notice(
        title,
        "A link works once, for ten minutes, and for the person who asked for it.",
        "Ask for a new one in Slack: send /agent-eval, and press Open the dashboard.",
        status=403,
        more=[go_on],
    )

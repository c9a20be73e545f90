"""The dashboard's pages. Nothing is read for a page before it is known who asks, and that they may see it.

Each page is a function of the context and a `Visit`. It runs in a thread, a few at a time, so that slow figures never
keep an event of Slack waiting.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot import dashboard as rendering
from bot.errors import Transient
from bot.listeners.context import ListenerContext
from bot.rights import Forbidden, Viewer
from bot.web import notices, pages, visitors
from bot.web.visitors import Cookie

log = structlog.get_logger()

MOST_TICKETS = 10**18
"No ticket has a number of this size, and a database cannot be asked for a much larger one."
AT_ONCE = 4
"Pages that are made at once."
WAITING = 32
"The most pages that are made or wait; more requests are asked to come again."

STYLES = Path(rendering.__file__).parent
"The folder of the style of the pages."

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visit:
    """What somebody asks of a page."""

    viewer: Viewer
    "Who asks, with what they may see now."
    query: QueryParams
    path: Mapping[str, Any]
    "The parameters in the path, such as `number`."


Page = Callable[[ListenerContext, Visit], Response]
"Makes a page for somebody who may see it; `Transient` becomes 503."


def overview(ctx: ListenerContext, visit: Visit) -> Response:
    """Return the page with the figures of the agents that the viewer may see."""
    return HTMLResponse(pages.overview(ctx, visit.viewer, visit.query))


def ticket(ctx: ListenerContext, visit: Visit) -> Response:
    """Return the page of one ticket, for owners of its agent; nobody else learns whether the ticket exists."""
    if visit.path["number"] >= MOST_TICKETS:
        return no_such_page()
    page = pages.ticket(ctx, visit.viewer, visit.path["number"])
    return no_such_page() if page is None else HTMLResponse(page)


def no_such_page() -> HTMLResponse:
    """Return the answer to a request for a page that does not exist, or that the viewer may not see."""
    return notices.notice(
        "There is no such page",
        "Or it is not for you.",
        status=404,
        more=[notices.link("Go to the dashboard", "/dashboard")],
    )


@dataclass(slots=True)
class PageMaker:
    """Makes pages in threads of its own, for viewers whose session has been verified."""

    ctx: ListenerContext
    cookie: Cookie
    by_sign_in: bool = False
    "Whether people sign in with Slack."
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "dashboard"))
    _held: int = 0

    async def run(self, make: Callable[[], Response]) -> Response:
        """Run a function that blocks, and return its answer; 503 when too many wait or the database is away."""
        if self._held >= WAITING:
            return later("Too many pages are being made at this moment.")
        self._held += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, make)
        except Transient as error:
            log.warning("dashboard.delayed", error=str(error))
            return later("The database cannot be reached at this moment.")
        except Exception as bug:
            log.exception("dashboard.crashed", error=type(bug).__name__)
            return notices.notice("This page has a fault", "It is in the log of the web process.", status=500)
        finally:
            self._held -= 1

    def only_for_viewers(self, page: Page) -> Endpoint:
        """Return the endpoint of a page, which is made only once its viewer is known."""

        async def endpoint(request: Request) -> Response:
            secret = visitors.secret_in(request.headers, self.cookie)
            query, path = request.query_params, request.path_params
            return await self.run(lambda: self._page(page, secret, query, path))

        return endpoint

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _page(self, page: Page, secret: str | None, query: QueryParams, path: Mapping[str, Any]) -> Response:
        found = None if secret is None else visitors.viewer(self.ctx, secret)
        if found is Forbidden.UNCHECKED:
            return later("Slack does not say at this moment who you are.")
        if not isinstance(found, Viewer):
            return not_open(by_sign_in=self.by_sign_in)
        return page(self.ctx, Visit(found, query, path))


def not_open(*, by_sign_in: bool) -> HTMLResponse:
    """Return the answer to everybody whose browser has no session: it is the same for all reasons."""
    sign_in = [notices.link("Sign in with Slack", "/dashboard/sign-in")] if by_sign_in else []
    return notices.notice(
        "The dashboard is not open in this browser",
        "Owners and responders of an agent open it from Slack: send /agent-eval, and press Open the dashboard.",
        status=403,
        more=[*sign_in, notices.link("If it was open here a moment ago: try again", "/dashboard")],
    )


def later(why: str) -> HTMLResponse:
    """Return the answer for when a page cannot be made now."""
    answer = notices.notice("The dashboard cannot be shown now", why, "Please try again in a minute.", status=503)
    answer.headers["Retry-After"] = "60"
    return answer


def routes(maker: PageMaker) -> list[Route]:
    """Return the routes of the dashboard."""
    return [
        Route("/dashboard", maker.only_for_viewers(overview), methods=["GET"]),
        Route("/dashboard/tickets/{number:int}", maker.only_for_viewers(ticket), methods=["GET"]),
        Route("/dashboard/style.css", _style(STYLES / "style.css"), methods=["GET"]),
        Route("/dashboard/notice.css", _style(Path(__file__).parent / "notice.css"), methods=["GET"]),
    ]


def _style(file: Path) -> Response:
    return Response(file.read_text("utf-8"), media_type="text/css")

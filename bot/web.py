"""The web process: Slack's events in, health out. It stores and queues; it never thinks.

`process_before_response`: Slack is answered 200 only once the row is committed, and 500 when it could
not be, so that a crash in between makes Slack send the event again.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import listeners
from bot.agent import card
from bot.agent.desk import release_of
from bot.budget.watching import BudgetFile
from bot.errors import ConfigError, Transient
from bot.ground import Ground, Kind
from bot.health.readiness import Readiness
from bot.listeners.door import Door
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack import async_client
from bot.slack import client as slack
from bot.slack.introduction import Introduction
from bot.store import db, marks
from bot.store.db import Database

Answer = TypeVar("Answer")

log = structlog.get_logger()

LARGEST_BODY = 1_000_000
"Bytes; Slack's own requests are far smaller."
WAIT_SECONDS = 1.0
"Between two looks whether the database is there."
STAMP_DIGITS = 12
"Of a time stamp in seconds, for some thousand years."
LOOK_SECONDS = 1.0
"So long one look at our readiness is good for all who ask: anybody may, and each look commits a row."


def open_door(settings: Settings) -> Door:
    """Return what the listeners are handed.

    Raises:
        ConfigError: a card or the budget file is wrong, the schema is of another revision, or the database or Redis
            is another's.
    """
    database = db.connect(settings.database_url)
    queue = JobQueue.connect(settings.redis_url, _enter(database, settings.deskhand_ground))
    try:
        queue.enter()
    except Transient as error:  # what is stored meanwhile is queued once it is back, if it is ours
        log.warning("queue.away", error=str(error))
    agents = card.load_all(settings.deskhand_config)
    releases = {name: str(release_of(settings, agent)) for name, agent in agents.items()}
    budgets = BudgetFile(settings.deskhand_config / "budgets.yaml")
    return Door(database, queue, agents, releases, budgets.current)


def _enter(database: Database, kind: Kind) -> Ground:
    """Return whose database this is, as soon as it is there to tell."""
    while True:
        try:
            return marks.enter(database, kind)
        except Transient as error:
            log.warning("process.waits", error=str(error))
            time.sleep(WAIT_SECONDS)


def introduce(settings: Settings, door: Door) -> None:
    """Refuse a bot token of another workspace than the database serves, before anything is heard.

    Raises:
        ConfigError: it is of another.
    """
    if settings.slack_bot_token is not None:
        client = slack.connect(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url)
        Introduction(client, door.database).wait()


def create_bolt(settings: Settings, door: Door) -> AsyncApp:
    """Return the Bolt app, the same over HTTP and over Socket Mode.

    Raises:
        ConfigError: a token is not set.
    """
    if settings.slack_bot_token is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set")
    secret = settings.slack_signing_secret
    app = AsyncApp(
        client=async_client.connect(token="", base_url=settings.slack_api_url),
        authorize=_as_bot(settings.slack_bot_token.get_secret_value(), settings.slack_api_url),
        signing_secret=None if secret is None else secret.get_secret_value(),
        process_before_response=True,
    )
    listeners.register(app, door)
    return app


def create_app(settings: Settings) -> Starlette:
    """Return the ASGI app of the web process.

    Raises:
        ConfigError: a setting or a card is wrong.
    """
    if settings.slack_signing_secret is None:
        raise ConfigError("environment: SLACK_SIGNING_SECRET is not set; without it no request can be trusted")
    door = open_door(settings)
    bolt = create_bolt(settings, door)

    async def slack_events(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", status_code=413)
        if not _may_be_signed(request):
            return PlainTextResponse("not signed by Slack", status_code=401)
        try:
            asked = to_async_bolt_request(request, body)
        except (ValueError, AttributeError):  # Bolt reads the body as it builds the request
            return PlainTextResponse("unreadable", status_code=400)
        return to_starlette_response(await bolt.async_dispatch(asked))

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    look = _shared(Readiness(door.database, door.queue, _serving(door)).look)

    async def readyz(_request: Request) -> Response:
        found = await look()
        ready = all(one.state == "ok" for one in found)
        checks = {one.check: {"ok": one.state == "ok", "says": one.said} for one in found}
        return JSONResponse({"ready": ready, "checks": checks}, status_code=200 if ready else 503)

    @asynccontextmanager
    async def until_the_end(_app: Starlette) -> AsyncIterator[None]:
        yield
        door.database.close()
        door.queue.close()

    app = Starlette(
        lifespan=until_the_end,
        routes=[
            Route("/slack/events", slack_events, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
    )
    app.state.door = door
    return app


def _as_bot(token: str, base_url: str) -> Callable[[], Awaitable[AuthorizeResult]]:
    """Return what tells Bolt who we are, asked of Slack once.

    Bolt's own way answers 200 when Slack fails to tell, which loses the event; this one makes it a 500.
    """
    client = slack.connect(token=token, base_url=base_url)
    known: list[AuthorizeResult] = []

    async def authorize() -> AuthorizeResult:
        if not known:
            me = await asyncio.to_thread(slack.call, client.auth_test)
            known.append(
                AuthorizeResult(
                    enterprise_id=me.get("enterprise_id"),
                    team_id=me["team_id"],
                    bot_user_id=me["user_id"],
                    bot_id=me["bot_id"],
                    bot_token=token,
                )
            )
        return known[0]

    return authorize


async def _body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is too large; its header may be missing or lie."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _may_be_signed(request: Request) -> bool:
    """Tell whether the headers can be those of a signature: Bolt, which verifies it, breaks on some that cannot."""
    stamp, signature = (request.headers.get(f"x-slack-{name}", "") for name in ("request-timestamp", "signature"))
    return signature.isascii() and stamp.isdecimal() and len(stamp) <= STAMP_DIGITS


def _serving(door: Door) -> dict[str, str]:
    """Return the releases that have to be fit: those of agents that are not suspended or retired."""
    return {name: door.releases[name] for name, agent in door.agents.items() if agent.card.status == "active"}


def _shared(look: Callable[[], Answer]) -> Callable[[], Awaitable[Answer]]:
    """Return a way to look that many may use at once: whoever asks during a look, or soon after, shares it.

    It has a thread of its own: those that listeners share may all be waiting for a database that hangs.
    """
    aside = ThreadPoolExecutor(1, "look")
    latest: list[asyncio.Future[Answer]] = []
    began = -math.inf

    async def shared() -> Answer:
        nonlocal began
        if not latest or (latest[0].done() and time.monotonic() - began > LOOK_SECONDS):
            began = time.monotonic()
            latest[:] = [asyncio.get_running_loop().run_in_executor(aside, look)]
        return await asyncio.shield(latest[0])  # one who hangs up must not end it for the others

    return shared

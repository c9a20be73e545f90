"""What the web process serves. It stores and queues; it never thinks.

`process_before_response`: we answer Slack 200 only after the row is committed, and 500 when that failed. So Slack
sends the event again after a crash in between.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Literal, TypeVar

import structlog
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import agent_ids, directory, redis_rights
from bot.agent_cards import Cards
from bot.budget.budget_file import BudgetFile
from bot.casework import dashboard_links
from bot.errors import ConfigError, Transient
from bot.evals.proposals import checking
from bot.health import readiness
from bot.health.readiness import Check, Readiness
from bot.listeners.context import ListenerContext
from bot.listeners.reading import Malformed
from bot.queue import JobQueue
from bot.releases.pairs import Pairs
from bot.second_step import secret_box
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.slack.api import roles
from bot.slack.api.membership import Members
from bot.slack.api.names import Names
from bot.slack.api.token_check import TokenCheck
from bot.store import db
from bot.store.db import Database
from bot.store.installation import marks
from bot.store.releases.verdicts import ReleasePair
from bot.web import dashboard, doorway, entrance, slack_sign_in, visitors
from bot.web.bolt import create_bolt, failed, request_of
from bot.web.dashboard import PageMaker
from bot.web.doorway import Doorway
from bot.web.entrance import ClientLimits, Entrance, Refusal
from bot.web.headers import StrictHeaders
from bot.web.refusals import RefusalLog
from bot.web.tally import Tally

Answer = TypeVar("Answer")
Endpoint = Callable[[Request], Awaitable[Response]]

log = structlog.get_logger()

WAIT_SECONDS = 1.0
"Seconds between two attempts to reach the database."
LOOK_UP_SECONDS = 1
"The longest that a look-up of a person in Slack may take; a press must be acknowledged within three seconds."
RETRY_NUMBER = "x-slack-retry-num"
"The header of every try but the first. It is not signed, and makes us look a message up, no more."
READINESS_SECONDS = 1.0
"How long one readiness check is reused: anybody may ask, and each check commits a row."


def open_context(settings: Settings) -> ListenerContext:
    """Return what the listeners need to do their work.

    Raises:
        ConfigError: a card, the budget file or a key is wrong, the signer's key is here, the schema is of another
            revision, a right in Redis is missing, or the database or Redis belongs to another installation.
    """
    settings.refuse_signing_key()
    database = db.existing(settings.database_url)
    ground = _once_reached(lambda: marks.enter(database, settings.deskhand_ground))
    queue = JobQueue.connect(settings.redis_url, ground)
    try:
        redis_rights.check(settings.redis_url)
        queue.enter()
    except Transient as error:  # upkeep queues what is stored meanwhile, once Redis is back
        log.warning("redis.not_reached", error=str(error))
    agents = Cards(settings.deskhand_config)
    _once_reached(lambda: agent_ids.enter(database, agents))
    releases = Pairs(settings, agents)
    budgets = BudgetFile(settings.deskhand_config / "budgets.yaml")
    ctx = ListenerContext(database, queue, agents, releases, budgets.current, settings.slack_api_url)
    keys = secret_box.of_settings(settings)
    ctx = replace(ctx, door=dashboard_links.door_of(settings, ground), approver_keys=keys)
    ctx = replace(ctx, account=directory.connect(database).account, cases=checking.desk())
    return _with_look_ups(ctx, settings, database)


def _with_look_ups(ctx: ListenerContext, settings: Settings, database: Database) -> ListenerContext:
    """Return a context that can look people up. Listeners ask nothing else of Slack; each look-up has a second."""
    if settings.slack_bot_token is None:
        return ctx
    token = settings.slack_bot_token.get_secret_value()
    client = slack.connect(
        token=token, base_url=settings.slack_api_url, network=settings.network, seconds=LOOK_UP_SECONDS
    )
    members, names = Members(client, database, patience=LOOK_UP_SECONDS), Names(client)
    return replace(
        ctx,
        token=TokenCheck(
            slack.connect(token=token, base_url=settings.slack_api_url, network=settings.network), database
        ),
        look_up=roles.membership_look_up(members),
        names=names.of,
        members_named=names.of_members,
        is_app=roles.app_check(members),
    )


def _once_reached(use: Callable[[], Answer]) -> Answer:
    """Use the database once it can be reached, and return the answer."""
    while True:
        try:
            return use()
        except Transient as error:
            log.warning("process.delayed", error=str(error))
            time.sleep(WAIT_SECONDS)


def check_token(ctx: ListenerContext) -> None:
    """Check, before any event is heard, that the bot token is a bot's of the workspace that the database serves.

    Raises:
        ConfigError: it is not.
    """
    if ctx.token is not None:
        ctx.token.begin().wait()


def readiness_of(ctx: ListenerContext, process: Literal["web", "socket"], **more: Check) -> Readiness:
    """Return the readiness checks of a process that hears Slack."""
    if ctx.token is not None:
        token = ctx.token
        more["token"] = readiness.authorized(lambda: token.problem)
    return readiness.of_listener(ctx.database, ctx.queue, lambda: _serving(ctx), process=process, more=more)


def create_app(settings: Settings, limits: ClientLimits | None = None) -> Starlette:
    """Return the ASGI app of the web process; its `state.tally` counts the refused requests.

    Beside Socket Mode, without a signing secret, it serves the dashboard only.

    Raises:
        ConfigError: a setting or a card is wrong.
    """
    hears = settings.slack_signing_secret is not None or settings.deskhand_public_url is None
    entry = Entrance(secrets_of(settings), limits or ClientLimits()) if hears else None
    ctx = open_context(settings)
    tally, routes, closing = Tally(), [], [ctx.database.close, ctx.queue.close]
    ready = readiness_of(ctx, "web")
    if entry is not None:
        routes.append(Route("/slack/events", _slack_events(entry, create_bolt(settings, ctx), tally), methods=["POST"]))
    if settings.deskhand_public_url is not None:
        pages, of_the_dashboard = _dashboard(settings, ctx)
        routes.extend(of_the_dashboard)
        closing.insert(0, pages.close)
    app = Starlette(
        lifespan=_closing_at_the_end(tally.close, *closing),
        routes=[
            *routes,
            Route("/healthz", PlainTextResponse("ok"), methods=["GET"]),
            Route("/readyz", _readyz(ready)),
        ],
        middleware=[Middleware(StrictHeaders)],
    )
    app.router.redirect_slashes = False  # a redirect would lead to an address made of the Host header
    app.state.tally = tally
    app.state.ctx = ctx
    app.state.readiness = ready
    return app


def _dashboard(settings: Settings, ctx: ListenerContext) -> tuple[PageMaker, list[Route]]:
    """Return what makes the dashboard's pages, and the routes of its pages and of the way in."""
    if ctx.door is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set; without it nobody can be let into the dashboard")
    pages = PageMaker(ctx, visitors.cookie_for(ctx.door.public_url), ctx.door.by_sign_in)
    way_in = Doorway(ctx, ctx.door, pages, RefusalLog(ctx.database))
    return pages, [*dashboard.routes(pages), *doorway.routes(way_in), *slack_sign_in.routes(settings, way_in)]


def _closing_at_the_end(*closing: Callable[[], None]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        for close in closing:
            close()

    return lifespan


def _slack_events(entry: Entrance, bolt: AsyncApp, tally: Tally) -> Endpoint:
    async def slack_events(request: Request) -> Response:
        raw, refusal = await entry.enter(request)
        if refusal is None:
            try:
                body = entrance.read(request.headers.get("content-type", ""), raw)
                asked = request_of(body, retried=RETRY_NUMBER in request.headers)
                return to_starlette_response(await bolt.async_dispatch(asked))
            except Malformed:
                refusal = Refusal.UNREADABLE
            except Exception as error:  # noqa: BLE001 - Bolt's own, or its handler of errors broke
                return to_starlette_response(await failed(error))
        tally.add(refusal, len(raw))
        headers = {"Connection": "close"} if refusal is Refusal.SLOW else None  # else uvicorn waits for the whole body
        return PlainTextResponse(refusal, status_code=entrance.STATUS[refusal], headers=headers)

    return slack_events


def _readyz(ready: Readiness) -> Endpoint:
    look = _shared(ready.answer)

    async def readyz(_request: Request) -> Response:
        ready, why = await look()
        return JSONResponse(why, status_code=200 if ready else 503)

    return readyz


def secrets_of(settings: Settings) -> tuple[bytes, ...]:
    """Return the secrets that Slack may sign with: two, separated by a comma, while one replaces the other.

    Raises:
        ConfigError: none is set.
    """
    value = settings.slack_signing_secret
    secrets = [] if value is None else [secret.strip() for secret in value.get_secret_value().split(",")]
    if not secrets:
        raise ConfigError("environment: SLACK_SIGNING_SECRET is not set; without it no request can be trusted")
    return tuple(secret.encode() for secret in secrets)


def _serving(ctx: ListenerContext) -> dict[str, ReleasePair]:
    """Return the releases that readiness depends on, with their suites: those of active agents, by the agent's name."""
    return {name: ctx.releases[name] for name, agent in ctx.agents.items() if agent.card.status == "active"}


def _shared(look: Callable[[], Answer]) -> Callable[[], Awaitable[Answer]]:
    """Return a check that concurrent callers share, as do those of the next `READINESS_SECONDS`.

    It has its own thread: a database that hangs may hold all threads that the listeners share.
    """
    own_thread = ThreadPoolExecutor(1, "look")
    latest: list[asyncio.Future[Answer]] = []
    began = -math.inf

    async def shared() -> Answer:
        nonlocal began
        if not latest or (latest[0].done() and time.monotonic() - began > READINESS_SECONDS):
            began = time.monotonic()
            latest[:] = [asyncio.get_running_loop().run_in_executor(own_thread, look)]
        return await asyncio.shield(latest[0])  # a caller that hangs up must not cancel the check of the others

    return shared

"""What the web process serves. It stores and queues; it never thinks.

`process_before_response`: Slack is answered 200 only once the row is committed, and 500 when it could
not be, so that a crash in between makes Slack send the event again.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import listeners, logs
from bot.agent.release import release_of
from bot.agent_cards import Cards
from bot.budget.budget_file import BudgetFile
from bot.errors import ConfigError, Transient
from bot.ground import Ground, Kind
from bot.health.readiness import Readiness
from bot.listeners.context import ListenerContext
from bot.listeners.reading import Malformed
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack.api import async_client, roles
from bot.slack.api import client as slack
from bot.slack.api.introduction import Introduction
from bot.slack.api.membership import Members
from bot.slack.api.names import Names
from bot.store import db, marks
from bot.store.db import Database
from bot.web import entrance
from bot.web.entrance import ClientLimits, Entrance, Turned
from bot.web.tally import Tally

Answer = TypeVar("Answer")

log = structlog.get_logger()

WAIT_SECONDS = 1.0
"Between two looks whether the database is there."
LOOK_UP_SECONDS = 1
"The longest that Slack may take to say who somebody is; a press is to be acknowledged within three."
LOOK_SECONDS = 1.0
"How long one look at our readiness is good for all who ask: anyone may, and each look commits a row."


def open_context(settings: Settings) -> ListenerContext:
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
        log.warning("redis.not_reached", error=str(error))
    agents = Cards(settings.deskhand_config)
    releases = {name: str(release_of(settings, agent)) for name, agent in agents.items()}
    budgets = BudgetFile(settings.deskhand_config / "budgets.yaml")
    ctx = ListenerContext(database, queue, agents, releases, budgets.current, settings.slack_api_url)
    return _looking_up(ctx, settings, database)


def _looking_up(ctx: ListenerContext, settings: Settings, database: Database) -> ListenerContext:
    """Return a context that looks people up: all that a listener may ask of Slack, and each may take a second."""
    if settings.slack_bot_token is None:
        return ctx
    token = settings.slack_bot_token.get_secret_value()
    client = slack.connect(token=token, base_url=settings.slack_api_url, seconds=LOOK_UP_SECONDS)
    members, names = Members(client, database), Names(client)
    return replace(
        ctx,
        look_up=roles.looker(members),
        names=names.of,
        members_named=names.of_members,
        is_app=roles.sorter(members),
    )


def _enter(database: Database, kind: Kind) -> Ground:
    """Return whose database this is, as soon as it is there to tell."""
    while True:
        try:
            return marks.enter(database, kind)
        except Transient as error:
            log.warning("process.delayed", error=str(error))
            time.sleep(WAIT_SECONDS)


def introduce(settings: Settings, ctx: ListenerContext) -> None:
    """Refuse a bot token of another workspace than the database serves, before anything is heard.

    Raises:
        ConfigError: it is of another.
    """
    if settings.slack_bot_token is not None:
        client = slack.connect(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url)
        Introduction(client, ctx.database).wait()


def create_bolt(settings: Settings, ctx: ListenerContext) -> AsyncApp:
    """Return the Bolt app, the same over HTTP and over Socket Mode.

    Raises:
        ConfigError: a token is not set.
    """
    if settings.slack_bot_token is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set")
    quiet = logging.getLogger("slack_bolt")
    quiet.setLevel(logging.ERROR)  # Bolt warns with parts of a request, and gives its loggers the level of this one
    app = AsyncApp(
        name="deskhand",  # else it reads the source of everything that called it
        logger=quiet,
        client=async_client.connect(token="", base_url=settings.slack_api_url),
        authorize=_as_bot(settings.slack_bot_token.get_secret_value(), settings.slack_api_url),
        request_verification_enabled=False,  # it logs the body of what it refuses; each has been verified
        ignoring_self_events_enabled=False,  # `bot.listeners.own_events` does, but for deletions
        raise_error_for_unhandled_request=True,
        process_before_response=True,
    )
    app.error(failed)
    listeners.register(app, ctx)
    return app


def create_app(settings: Settings, limits: ClientLimits | None = None) -> Starlette:
    """Return the ASGI app of the web process; its `state.tally` counts what is turned away.

    Raises:
        ConfigError: a setting or a card is wrong.
    """
    way_in = Entrance(secrets_of(settings), limits or ClientLimits())
    ctx = open_context(settings)
    bolt = create_bolt(settings, ctx)
    tally = Tally()

    async def slack_events(request: Request) -> Response:
        raw, turned = await way_in.enter(request)
        if turned is None:
            try:
                asked = request_of(entrance.read(request.headers.get("content-type", ""), raw))
                return to_starlette_response(await bolt.async_dispatch(asked))
            except Malformed:
                turned = Turned.UNREADABLE
            except Exception as error:  # noqa: BLE001 - Bolt's own, or its handler of errors broke
                return to_starlette_response(await failed(error))
        tally.add(turned, len(raw))
        headers = {"Connection": "close"} if turned is Turned.SLOW else None  # else what is left of it is waited for
        return PlainTextResponse(turned, status_code=entrance.STATUS[turned], headers=headers)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    look = _shared(Readiness(ctx.database, ctx.queue, _serving(ctx)).look)

    async def readyz(_request: Request) -> Response:
        found = await look()
        ready = all(one.state == "ok" for one in found)
        checks = {one.check: {"ok": one.state == "ok", "message": one.message} for one in found}
        return JSONResponse({"ready": ready, "checks": checks}, status_code=200 if ready else 503)

    @asynccontextmanager
    async def until_the_end(_app: Starlette) -> AsyncIterator[None]:
        yield
        tally.close()
        ctx.database.close()
        ctx.queue.close()

    app = Starlette(
        lifespan=until_the_end,
        routes=[
            Route("/slack/events", slack_events, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
    )
    app.router.redirect_slashes = False  # to an address made of the Host header
    app.state.tally = tally
    app.state.ctx = ctx
    return app


def secrets_of(settings: Settings) -> tuple[bytes, ...]:
    """Return the secrets that Slack may sign with: two, parted by a comma, while one replaces the other.

    Raises:
        ConfigError: there is none.
    """
    told = settings.slack_signing_secret
    secrets = [] if told is None else [secret.strip() for secret in told.get_secret_value().split(",")]
    if not secrets:
        raise ConfigError("environment: SLACK_SIGNING_SECRET is not set; without it no request can be trusted")
    if not all(secrets):
        raise ConfigError("environment: SLACK_SIGNING_SECRET holds an empty secret beside a comma")
    return tuple(secret.encode() for secret in secrets)


def request_of(body: dict[str, Any]) -> AsyncBoltRequest:
    """Return what Bolt is handed, over HTTP and over Socket Mode: what was said, and nothing of who brought it.

    Headers are not signed, and Bolt heeds some of them.

    Raises:
        Malformed: Bolt cannot make sense of it.
    """
    with suppress(Exception):  # it looks into many fields as it is made
        return AsyncBoltRequest(body=body, mode="socket_mode")  # its word for a body that has been read
    raise Malformed


async def failed(error: Exception) -> BoltResponse:
    """Say what an event could not be heard for: 5xx makes Slack send it again, 4xx is for what no one can read."""
    match error:
        case BoltUnhandledRequestError():
            return BoltResponse(status=200)  # Slack may say more than we listen to
        case Malformed():
            raise error
        case Transient():
            log.warning("request.failed", error=str(error))
        case _:
            log.error("request.crashed", exception=logs.described(error))
    return BoltResponse(status=500)


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


def _serving(ctx: ListenerContext) -> dict[str, str]:
    """Return the releases that have to be fit: those of agents that are not suspended or retired."""
    return {name: ctx.releases[name] for name, agent in ctx.agents.items() if agent.card.status == "active"}


def _shared(look: Callable[[], Answer]) -> Callable[[], Awaitable[Answer]]:
    """Return a way to look that many may use at once: who asks during a look, or soon after, shares it.

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

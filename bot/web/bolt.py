"""The Bolt app, the same over HTTP and over Socket Mode.

`process_before_response`: we answer Slack 200 only after the row is committed, and 500 when that failed. So Slack
sends the event again after a crash in between.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.response import BoltResponse

from bot import listeners, logs
from bot.errors import ConfigError, Transient
from bot.listeners import messages, submissions
from bot.listeners.context import ListenerContext
from bot.listeners.reading import Malformed
from bot.settings import Settings
from bot.slack.api import async_client
from bot.slack.api import client as slack
from bot.slack.api.async_client import AsyncWebClient
from bot.slack.api.client import WebClient

log = structlog.get_logger()

UNKNOWN_FORM = "I do not know this form, so nothing was done. Your words are here to copy; please open it again."


class BeforeListeners(AsyncMiddleware):
    """What every request passes, in one middleware that takes it as it is.

    For a function, Bolt would gather thirty arguments first, which costs more than what is done with them here.
    """

    def __init__(self, ours: AsyncWebClient, steps: "Sequence[listeners.Step]") -> None:
        self._ours, self._steps = ours, steps

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - the names are Bolt's
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse | None:
        """Let a request go on to the listeners unless a step has answered it."""
        req.context.client.proxy = self._ours.proxy  # Bolt makes a client a request, which reads the proxy variables
        for step in self._steps:
            answer = await step(req)
            if answer is not None:
                return answer
        return await next()


def create_bolt(settings: Settings, ctx: ListenerContext) -> AsyncApp:
    """Return the Bolt app with all listeners.

    Raises:
        ConfigError: a token is not set.
    """
    if settings.slack_bot_token is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set; `deskhand init` sets up what is needed")
    quiet = logging.getLogger("slack_bolt")
    quiet.setLevel(logging.ERROR)  # Bolt's warnings quote the request; its other loggers take this one's level
    ours = async_client.connect(base_url=settings.slack_api_url, network=settings.network)
    app = AsyncApp(
        name="deskhand",  # without a name, Bolt reads the source of every caller to find one
        logger=quiet,
        client=ours,
        authorize=_as_bot(
            slack.connect(
                token=settings.slack_bot_token.get_secret_value(),
                base_url=settings.slack_api_url,
                network=settings.network,
            )
        ),
        request_verification_enabled=False,  # Bolt would log refused bodies; `bot.web.entrance` has verified each
        ignoring_self_events_enabled=False,  # `bot.listeners.own_events` does that, and lets deletions through
        attaching_function_token_enabled=False,  # no listener has a use for it, nor for ways to speak
        attaching_conversation_kwargs_enabled=False,
        raise_error_for_unhandled_request=True,
        process_before_response=True,
    )
    app.error(failed)
    app.middleware(BeforeListeners(ours, listeners.first_steps(ctx)))
    listeners.register(app, ctx)
    return app


def request_of(body: dict[str, Any], *, retried: bool) -> AsyncBoltRequest:
    """Return the request for Bolt, over HTTP and over Socket Mode: its body without its headers.

    Slack does not sign headers, and Bolt obeys some of them.

    Args:
        body: what Slack sent.
        retried: whether Slack says that it had tried before, which only makes us look the message up.

    Raises:
        Malformed: Bolt cannot make sense of it.
    """
    with suppress(Exception):  # its constructor reads many fields, and any of them may be odd
        return AsyncBoltRequest(
            body=body, context={messages.RETRIED: retried}, mode="socket_mode"
        )  # Bolt's name for a body that is parsed already
    raise Malformed


async def failed(error: Exception) -> BoltResponse:
    """Return the answer to a request that failed: 500 makes Slack send it again.

    Raises:
        Malformed: the request cannot be read; the caller answers it with 4xx.
    """
    match error:
        case BoltUnhandledRequestError():
            return _not_listened_to(error.request.body)
        case Malformed():
            raise error
        case Transient():
            log.warning("request.failed", error=str(error))
        case _:
            log.error("request.crashed", exception=logs.described(error))
    return BoltResponse(status=500)


def _not_listened_to(body: dict[str, Any]) -> BoltResponse:
    """Return the answer to what has no listener: Slack sends kinds of events that we do not want.

    A form of another build stays open and says so; without a word, Slack would close it as if it were taken.
    """
    field = submissions.first_field(body)
    errors = {"response_action": "errors", "errors": {field: UNKNOWN_FORM}}
    return BoltResponse(status=200) if field is None else BoltResponse(status=200, body=errors)


def _as_bot(client: WebClient) -> Callable[[], Awaitable[AuthorizeResult]]:
    """Return a function that gives Bolt our bot's identity; it asks Slack once.

    When Slack does not answer, Bolt's own function answers the event with 200, which loses it; this one makes it a 500.
    """
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
                    bot_token=client.token,
                )
            )
        return known[0]

    return authorize

"""A Bolt app as its documentation writes it, that does nothing: what Deskhand's door is compared with."""

import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.settings import Settings


def create_plain_bolt(settings: Settings) -> Starlette:
    """Return the app."""
    token, secret = settings.slack_bot_token, settings.slack_signing_secret
    assert token is not None
    assert secret is not None
    client = AsyncWebClient(token=token.get_secret_value(), base_url=settings.slack_api_url)
    bolt = AsyncApp(client=client, signing_secret=secret.get_secret_value())
    handler = AsyncSlackRequestHandler(bolt)

    @bolt.event("message")
    async def on_message() -> None:
        return

    async def slack_events(request: Request) -> Response:
        return await handler.handle(request)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/slack/events", slack_events, methods=["POST"]), Route("/healthz", healthz)])


if __name__ == "__main__":
    told = Settings.from_environment()
    uvicorn.run(create_plain_bolt(told), host=told.host, port=told.port, log_config=None, access_log=False)

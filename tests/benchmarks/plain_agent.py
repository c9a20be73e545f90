"""The whole agent as Bolt's and Anthropic's documentation write one: everything happens in the listener.

    python -m tests.benchmarks.plain_agent

It asks the same model with the same prompt and tools, sets the same status, looks the same person up and
posts into the same thread. It keeps nothing: no row, no queue, no budget, no policy, no record, and what is
in its hands when it dies is lost. What a turn of ours costs more than this is the price of all that.
"""

import os
from pathlib import Path
from typing import Any

import anthropic
import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.agent import card
from bot.settings import Settings
from tests.support.json_object import Json

TOOL_RESULTS = {"look_up_my_account": '{"status": "active", "privileged": false}', "resolve": '{"closed": true}'}
"No directory stands behind it: every tool answers from here."


def create_plain_agent(settings: Settings) -> Starlette:
    """Return the app."""
    token, secret = settings.slack_bot_token, settings.slack_signing_secret
    assert token is not None
    assert secret is not None
    slack = AsyncWebClient(token=token.get_secret_value(), base_url=settings.slack_api_url)
    bolt = AsyncApp(client=slack, signing_secret=secret.get_secret_value())
    handler = AsyncSlackRequestHandler(bolt)
    claude = anthropic.AsyncAnthropic(
        api_key=os.environ["ANTHROPIC_API_KEY"], base_url=settings.anthropic_base_url, max_retries=0
    )
    agent = card.load_all(Path(settings.deskhand_config))["access"]
    fixed: Json = {
        "model": settings.deskhand_model,
        "max_tokens": agent.card.limits.answer_tokens,
        "system": agent.prompt,
        "tools": [tool.schema() for tool in agent.tools],
    }

    @bolt.event("app_mention")
    async def on_mention(event: Json) -> None:
        thread = event.get("thread_ts") or event["ts"]
        await slack.agents_sessions_setStatus(channel_id=event["channel"], thread_ts=thread, status="processing")
        await slack.users_info(user=event["user"])
        messages: list[Any] = [{"role": "user", "content": event["text"]}]
        text = await _answer(claude, fixed, messages)
        await slack.chat_postMessage(channel=event["channel"], thread_ts=thread, text=text)
        await slack.agents_sessions_setStatus(channel_id=event["channel"], thread_ts=thread, status="active")

    @bolt.event("message")
    async def on_message() -> None:
        return

    async def slack_events(request: Request) -> Response:
        return await handler.handle(request)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/slack/events", slack_events, methods=["POST"]), Route("/healthz", healthz)])


async def _answer(claude: anthropic.AsyncAnthropic, fixed: Json, messages: list[Any]) -> str:
    """Ask, act and ask again until there is something to say."""
    while True:
        async with claude.messages.stream(messages=messages, **fixed) as stream:
            said = await stream.get_final_message()
        calls = [block for block in said.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in said.content if block.type == "text")
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": TOOL_RESULTS.get(call.name, "{}")}
            for call in calls
        ]
        messages += [{"role": "assistant", "content": said.content}, {"role": "user", "content": results}]


if __name__ == "__main__":
    told = Settings.from_environment()
    uvicorn.run(create_plain_agent(told), host=told.host, port=told.port, log_config=None, access_log=False)

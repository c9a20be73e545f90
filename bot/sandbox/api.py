"""How the Web API is called: token, scopes, limits and faults are checked, then the method runs.

It answers as Slack does: HTTP 200 with `ok` false for a refusal, 429 with Retry-After for a rate limit.
"""

import asyncio
import json
import logging
import time
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.guard import same
from bot.sandbox.methods import METHODS, Method, MethodCall, SlackError
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.world import World

RATE_LIMITED, FAILED = 429, 500
IN_HEADER = frozenset({"apps.connections.open"})
"Methods for which Slack reads the token from the header alone."
_log = logging.getLogger("deskhand.sandbox")


class HangUp(Response):
    """Closes the connection without an answer, as a network failure does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 the ASGI signature
        """Close the connection below the server."""
        transport = getattr(getattr(scope["sandbox.send"], "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("drop_answer needs uvicorn: the server's transport is not in reach")
        transport.abort()
        # Otherwise the server, which does not know yet, would send a 500.
        while (await receive())["type"] != "http.disconnect":
            continue


async def call_method(request: Request) -> Response:
    """Answer one call of the Web API."""
    world: World = request.app.state.world
    name = str(request.path_params["method"])
    started = time.perf_counter()
    try:
        args, token = await _arguments(request, in_header=name in IN_HEADER)
    except ClientDisconnect:
        return HangUp()
    place = args.get("channel") or args.get("channel_id")
    faults = world.faults.take(name, str(place) if place else None, str(args))
    for fault in faults:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds or 0.0)
    answer, status = _injected(faults) or _answer(world, name, token, args, str(request.base_url))
    dropped = any(fault.kind == "drop_answer" for fault in faults)
    world.journal.note(
        "api",
        name,
        channel=place,
        ok=answer["ok"],
        error=answer.get("error"),
        status=0 if dropped else status,
        ms=round((time.perf_counter() - started) * 1000, 3),
        faults=[fault.kind for fault in faults] or None,
    )
    if dropped:
        return HangUp()
    if status == FAILED:
        return Response("Internal Server Error", FAILED)
    headers = {"X-OAuth-Scopes": ",".join(sorted(world.manifest.scopes))}
    if status == RATE_LIMITED:
        headers["Retry-After"] = str(answer.pop("retry_after", 1))
    return JSONResponse(answer, status, headers)


def _answer(world: World, name: str, token: str, args: Json, base_url: str) -> tuple[Json, int]:
    try:
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)  # noqa: TRY301 every refusal is answered in one place
        by_person = _check_token(world, method, token)
        _check_scopes(world, method, args)
        _check_rate(world, method)
        return {"ok": True, **method.handler(MethodCall(world, args, base_url.rstrip("/"), by_person))}, 200
    except SlackError as error:
        status = RATE_LIMITED if error.error == "ratelimited" else 200
        return {"ok": False, "error": error.error, **error.fields}, status
    except Exception:  # noqa: BLE001 a bug in a method must look to the bot as Slack's own failures do
        _log.exception("the local workspace failed in %s", name)
        return {"ok": False, "error": "fatal_error"}, 200


def _check_token(world: World, method: Method, token: str) -> bool:
    """Return whether a token that the method takes is a person's."""
    config = world.config
    if not token:
        raise SlackError("not_authed")
    bots, apps = (same(token, ours) for ours in (config.bot_token, config.app_token))
    by_person = config.person_token != "" and same(token, config.person_token)
    if not (bots or apps or by_person):
        raise SlackError("invalid_auth")
    if apps != method.app_token:
        raise SlackError("not_allowed_token_type")
    return by_person


def _check_scopes(world: World, method: Method, args: Json) -> None:
    needed = method.needed(world, args)
    if set(needed) - world.manifest.scopes:
        provided = ",".join(sorted(world.manifest.scopes))
        raise SlackError("missing_scope", needed=",".join(needed), provided=provided)


def _check_rate(world: World, method: Method) -> None:
    if world.config.rate_limits and method.tier is not None:
        wait = world.limits.wait_for_method(method.name, method.tier)
        if wait:
            raise SlackError("ratelimited", retry_after=wait)


def _injected(faults: list[SlackFault]) -> tuple[Json, int] | None:
    for fault in faults:
        if fault.kind == "http_500":
            return {"ok": False, "error": "http_500"}, FAILED
        if fault.kind == "rate_limit":
            wait = max(1, round(fault.seconds or 1))
            return {"ok": False, "error": "ratelimited", "retry_after": wait}, RATE_LIMITED
        if fault.kind == "fail":
            return {"ok": False, "error": fault.error or "internal_error"}, 200
    return None


async def _arguments(request: Request, *, in_header: bool) -> tuple[Json, str]:
    args: dict[str, Any] = dict(request.query_params)
    raw = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {}
        args |= body if isinstance(body, dict) else {}
    else:
        args |= dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))
    token = args.pop("token", "")
    return args, _bearer(request) or ("" if in_header else str(token))


def is_the_bot(request: Request) -> bool:
    """Return whether a request carries the bot's token."""
    world: World = request.app.state.world
    return same(_bearer(request), world.config.bot_token)


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()

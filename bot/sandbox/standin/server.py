"""The stand-in's routes: the Messages API's own, and two for tests (faults, calls).

It answers at the same addresses, in the same format and with the same errors as the real API, so that the real SDK
needs only another `base_url`; and it says at every address that it is a stand-in.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.sandbox.guard import refused_to_programs, same
from bot.sandbox.standin import rules
from bot.sandbox.standin.acting import act
from bot.sandbox.standin.answers import MODEL, WEAKER, ModelAnswer, as_events, as_message, compose
from bot.sandbox.standin.faults import FAULTS, ModelFault, ModelFaults, spoil
from bot.sandbox.standin.usage import PromptCache, count

Json = dict[str, Any]

WHAT_THIS_IS: Final = "A stand-in model for demonstrations and tests. It is not Claude."
MOST_BYTES = 32 * 1024 * 1024
SLOW_SECONDS, ENDLESS_SECONDS = 30.0, 0.1
ERRORS: Final = {
    "429": (429, "rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    "529": (529, "overloaded_error", "Overloaded"),
    "500": (500, "api_error", "Internal server error"),
}
ENDLESS: Final[dict[str, Json]] = {
    "endless_stream": {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "more "}},
    "endless_pings": {"type": "ping"},
}
"The event that is sent again and again, by fault."

THE_MODELS: Final[dict[str, Json]] = {
    name: {
        "id": name,
        "type": "model",
        "display_name": f"{shown} (not Claude)",
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
    }
    for name, shown in ((MODEL, "Stand-in model"), (WEAKER, "Weaker stand-in model"))
}


@dataclass(frozen=True, slots=True)
class StandinConfig:
    """The settings of the stand-in."""

    latency: float = 0.3
    "Seconds that an answer takes: half before it begins, half while it is streamed."
    keep_calls: int = 200
    "How many past requests GET /calls shows."
    key: str | None = None
    "The only accepted key; None, for an app inside a test, accepts any."


class StandinApp(Starlette):
    """Starlette that answers only our own programs, and shows past calls only to those with its key."""

    key: str | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or answer why not."""
        answer = _not_for(scope, self.key) if scope["type"] == "http" else None
        await (answer or super().__call__)(scope, receive, send)


def create_app(config: StandinConfig | None = None) -> Starlette:
    """Build the ASGI app; every app has its own faults, cache and past calls."""
    config = config or StandinConfig()
    doors = _Handlers(config)
    app = StandinApp(
        routes=[
            Route("/", doors.about),
            Route("/v1/messages", doors.messages, methods=["POST"]),
            Route("/v1/messages/count_tokens", doors.count_tokens, methods=["POST"]),
            Route("/v1/models", doors.models),
            Route("/v1/models/{name}", doors.model),
            Route("/faults", doors.faults, methods=["GET", "PUT"]),
            Route("/calls", doors.past_calls),
        ],
        exception_handlers={404: _not_found, 405: _not_found},
    )
    app.key = config.key
    return app


def serve(config: StandinConfig, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then let running answers end for a few seconds."""
    uvicorn.run(create_app(config), host=host, port=port, log_level="warning", timeout_graceful_shutdown=3)


class _Handlers:
    """The handlers and what they share; only the event loop uses it."""

    def __init__(self, config: StandinConfig) -> None:
        self._config = config
        self._faults = ModelFaults()
        self._cache = PromptCache()
        self._calls: deque[Json] = deque(maxlen=config.keep_calls)
        self._served = 0

    async def about(self, _request: Request) -> Response:
        return JSONResponse({"model": MODEL, "about": WHAT_THIS_IS, "stand_in": True})

    async def messages(self, request: Request) -> Response:
        """Answer one prompt, in one piece or streamed."""
        body = await _checked(request)
        if isinstance(body, Response):
            return body
        self._served += 1
        fault = self._faults.take()
        call = self._remember(body, fault)
        if fault and fault.kind in ERRORS:
            return _error(*ERRORS[fault.kind], wait=fault.seconds)
        if fault and fault.kind == "slow":
            await asyncio.sleep(SLOW_SECONDS if fault.seconds is None else fault.seconds)
        kind = fault.kind if fault else None
        # The counts are taken before the answer, since a cut answer has used its prompt too.
        measured = self._cache.measure(body)
        answer = compose(body, spoil(kind, act(body), body), measured.tokens, cut=kind != "huge_text")
        message = as_message(answer)
        call |= {"answer": message["content"], "stop_reason": answer.stop_reason, "usage": message["usage"]}
        await asyncio.sleep(self._config.latency / 2)
        self._cache.keep(measured)
        if body.get("stream"):
            if fault and fault.kind in ENDLESS:
                return _Endless(
                    answer, ENDLESS_SECONDS if fault.seconds is None else fault.seconds, ENDLESS[fault.kind]
                )
            return (_Cut if kind == "cut_stream" else _Streamed)(answer, self._config.latency / 2)
        if kind == "cut_stream":
            return _Cut(answer, 0)
        await asyncio.sleep(self._config.latency / 2)
        return JSONResponse(message, headers={"request-id": _request_id(answer)})

    async def count_tokens(self, request: Request) -> Response:
        body = await _checked(request, counting=True)
        return body if isinstance(body, Response) else JSONResponse({"input_tokens": count(body)})

    async def models(self, request: Request) -> Response:
        if wrong := _wrong_headers(request):
            return wrong
        listed = {"data": list(THE_MODELS.values()), "has_more": False}
        return JSONResponse(listed | {"first_id": MODEL, "last_id": WEAKER})

    async def model(self, request: Request) -> Response:
        if wrong := _wrong_headers(request):
            return wrong
        name = request.path_params["name"]
        known = THE_MODELS.get(name)
        return JSONResponse(known) if known else _error(404, "not_found_error", f"model: {name}")

    async def faults(self, request: Request) -> Response:
        """Show or replace the active faults."""
        if request.method == "PUT":
            try:
                self._faults.switch(FAULTS.validate_json(await request.body()))
            except ValidationError as error:
                return _error(400, "invalid_request_error", str(error))
        return JSONResponse(self._faults.rows())

    async def past_calls(self, request: Request) -> Response:
        """Show the last requests to /v1/messages and their answers, oldest first."""
        last = request.query_params.get("last", "")
        calls = list(self._calls)
        return JSONResponse(calls[-int(last) :] if last.isdigit() and int(last) else calls)

    def _remember(self, body: Json, fault: ModelFault | None) -> Json:
        call: Json = {"n": self._served, "fault": fault.kind if fault else None, "request": body}
        self._calls.append(call)
        return call


class _Streamed(StreamingResponse):
    """An answer as server-sent events, spread over some seconds."""

    def __init__(self, answer: ModelAnswer, seconds: float) -> None:
        self._events = list(as_events(answer))
        self._pause = seconds / len(self._events)
        headers = {"request-id": _request_id(answer), "cache-control": "no-cache"}
        super().__init__(self._body(), headers=headers, media_type="text/event-stream")

    async def _body(self) -> AsyncIterator[str]:
        for event in self._events:
            yield _written(event)
            if event["type"] == "content_block_delta":
                await asyncio.sleep(self._pause)


class _Cut(_Streamed):
    """A stream whose connection breaks in the middle."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = self._events[: max(1, len(self._events) // 2)]
        text = "".join(map(_written, half))
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        # Returning before the last part makes the server close the connection.


class _Endless(_Streamed):
    """An answer that begins and then goes on until the client hangs up."""

    def __init__(self, answer: ModelAnswer, seconds: float, event: Json) -> None:
        super().__init__(answer, 0)
        self._again, self._seconds = event, seconds

    async def _body(self) -> AsyncIterator[str]:
        yield _written(self._events[0])
        yield _written({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        while True:
            yield _written(self._again)
            await asyncio.sleep(self._seconds)


def _written(event: Json) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


async def _checked(request: Request, *, counting: bool = False) -> Json | Response:
    """Return a request's body, or the error with which the API would answer."""
    if wrong := _wrong_headers(request):
        return wrong
    raw = await request.body()
    if len(raw) > MOST_BYTES:
        return _error(413, "request_too_large", "Request exceeds the maximum size")
    try:
        body = json.loads(raw)
    except ValueError:
        return _error(400, "invalid_request_error", "The request body is not valid JSON")
    if said := rules.check(body, counting=counting):
        return _error(400, "invalid_request_error", said)
    checked: Json = body
    return checked


def _wrong_headers(request: Request) -> Response | None:
    if not _shown(request.headers):
        return _error(401, "authentication_error", "x-api-key header is required")
    if not request.headers.get("anthropic-version"):
        return _error(400, "invalid_request_error", "anthropic-version: header is required")
    return None


def _not_for(scope: Scope, key: str | None) -> Response | None:
    """Return the refusal of a request that is not from our programs; the description needs no key."""
    if why := refused_to_programs(scope):
        return _error(403, "permission_error", why)
    if key is None or scope["path"] == "/" or same(_shown(Headers(scope=scope)), key):
        return None
    return _error(401, "authentication_error", "invalid x-api-key")


def _shown(headers: Headers) -> str:
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip()


def _error(status: int, kind: str, said: str, *, wait: float | None = None) -> Response:
    headers = {"request-id": "req_standin_error"}
    if status in {429, 529} and (wait is not None or status == 429):  # noqa: PLR2004 - HTTP's own numbers
        headers["retry-after"] = f"{1 if wait is None else wait:g}"
    body = {"type": "error", "error": {"type": kind, "message": said}, "request_id": headers["request-id"]}
    return JSONResponse(body, status, headers)


async def _not_found(_request: Request, _error_seen: Exception) -> Response:
    return _error(404, "not_found_error", "Not found")


def _request_id(answer: ModelAnswer) -> str:
    return f"req_standin_{answer.id.removeprefix('msg_standin_')}"

"""The door to the model: one prompt in, one completion out, exactly one HTTP attempt.

The vendor's errors are sorted here by what the ledger and the loop must know: was it certainly not
billed (`Transient`), may it have been billed (`OutcomeUnknown`), or is it no use to ask again
(`Refused`). The SDK never retries by itself, and nothing that a model writes can raise here.

A call sends what the call before it sent, and more at its end: all that was sent before is read from
the vendor's cache (docs/decisions/0011).
"""

import json
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any, NoReturn, cast

import anthropic
import httpx2
import structlog

from bot.agent import stream
from bot.agent.stream import Json
from bot.budget.pricing import DATED, Usage
from bot.errors import ConfigError, DeskhandError, OutcomeUnknown, Refused, Transient, word
from bot.principals import Reason

VENDOR = "https://api.anthropic.com"
"Named here because the SDK would otherwise look into the environment."
CONNECT_SECONDS = 5.0
COUNT_SECONDS = 5.0
"Longest wait for a count; a turn waits for it, and can do without."
CACHED: Json = {"type": "ephemeral"}
"Five minutes: longer than a turn, cheaper to write than an hour."
LEAST_THINKING: Mapping[str, Json] = {
    "claude-opus-5": {"type": "disabled"},
    "claude-sonnet-5": {"type": "disabled"},
    "claude-haiku-5-5": {"type": "disabled"},
    "claude-sonnet-5-5": {"type": "between_tools"},
}
"For models that think unless told not to: thoughts count towards `max_tokens`, which has room for an answer only."
WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use"})
"Stop reasons of an answer that came to its end by itself."

WANTED: ContextVar[Callable[[], None]] = ContextVar("wanted", default=lambda: None)
"Asked before a step and between two events of an answer: raises once nobody wants the rest any more."

_BEGUN: ContextVar[bool] = ContextVar("begun", default=True)
"Whether this thread's request has begun to leave; the way to the vendor (names, TLS, a proxy's CONNECT) is before it."
_UNSENDABLE = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol)
"A header or an address that HTTP does not know: refused before the first byte is written."
_TRY_AGAIN = frozenset({408, 409, 429})
"Not the request's own fault, unlike the rest of 4xx."
_OF_THE_PROMPT = frozenset({400, 413, 422})
"What the vendor answers when it is the request itself that it will not take. Every other 4xx: nobody there for us."
_UNPAID = "credit balance"
"In a 400 of the vendor: the account behind the key has nothing left."
_NOT_TAKEN = frozenset({409, 429, 503, 521, 522, 523, 525, 526, 529})
"""Errors that say, even in the words of a proxy, that the request was not taken: too busy, or no way to the vendor.

Every other 5xx, and 408, is the vendor's own word only in the vendor's shape. From a proxy it means that the vendor was
asked and was not heard (RFC 9110, 15.6; the numbers from 520 on are Cloudflare's).
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that one call sends."""

    model: str
    system: str
    tools: tuple[Json, ...]
    messages: tuple[Json, ...]
    max_tokens: int

    @property
    def size(self) -> int:
        """Return the UTF-8 bytes of everything sent: an upper bound of its tokens."""
        return len(json.dumps(_body(self), ensure_ascii=False).encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool that the model wants called; its arguments are untrusted."""

    id: str
    name: str
    arguments: Json
    "`{stream.MALFORMED: first characters}` when they were no JSON object."


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model answered."""

    content: tuple[Json, ...]
    "The blocks to echo back in the next prompt."
    text: str
    tool_calls: tuple[ToolCall, ...]
    stop_reason: str
    usage: Usage

    @property
    def whole(self) -> bool:
        """Tell whether the model came to the end of what it had to say."""
        return self.stop_reason in WHOLE

    def to_json(self) -> Json:
        """Return it for the journal."""
        return {"content": list(self.content), "stop_reason": self.stop_reason, "usage": asdict(self.usage)}

    @classmethod
    def from_json(cls, row: Json) -> "Completion":
        """Read it back from the journal, equal to what was written."""
        usage = Usage(**{**row["usage"], "iterations": _usages(row["usage"]["iterations"])})
        return _completion(tuple(row["content"]), row["stop_reason"], usage)


CallModel = Callable[[Prompt], Completion]
"""One HTTP attempt.

Raises:
    Transient: not billed, worth another try; `retry_after` in seconds where the vendor named it.
    OutcomeUnknown: the request left and no full answer came back: it may have been billed.
    Refused: asking again would not help.
"""

CountTokens = Callable[[Prompt], int | None]
"""Asks the vendor how many tokens a prompt has, which costs nothing; None when it does not say.

Raises:
    Transient: nobody could say now.
    Refused: asking again would not help.
"""


def connect(*, api_key: str, base_url: str | None, timeout: float, connections: int = 50) -> CallModel:
    """Return the real model behind the vendor's SDK; its connections last as long as the function does.

    Args:
        api_key: the vendor's key.
        base_url: where the model answers; None is the vendor's own address.
        timeout: seconds that one whole call may take.
        connections: at most; a call that finds none free in its time has not left.
    """
    seconds = anthropic.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout), pool=min(CONNECT_SECONDS, timeout))
    client = _client(api_key, base_url, seconds, connections=connections)

    def call(prompt: Prompt) -> Completion:
        deadline = time.monotonic() + timeout
        with _translated(), client.messages.create(**cast("Any", _body(prompt)), stream=True) as answer:
            # Raw events: the SDK's own objects would drop block types that are newer than it is.
            events = _in_time(anthropic.Stream.raw_events(answer.response), deadline)
            content, stop_reason, usage = stream.assemble(events)
            with suppress(httpx2.HTTPError, OutcomeUnknown):
                next(events, None)  # a body read to its end keeps the connection for the next call
            return _completion(content, stop_reason, usage)

    weakref.finalize(call, client.close)
    return call


def counter(*, api_key: str, base_url: str | None, timeout: float) -> CountTokens:
    """Return the vendor's own count of a prompt, over a connection of its own: it is seldom asked.

    Args:
        api_key: the vendor's key.
        base_url: where the model answers; None is the vendor's own address.
        timeout: seconds that one whole call may take; a count may take `COUNT_SECONDS` of them.
    """

    def count(prompt: Prompt) -> int | None:
        sent = {name: value for name, value in _body(prompt).items() if name != "max_tokens"}
        with _translated(), _client(api_key, base_url, min(timeout, COUNT_SECONDS)) as client:
            answer: object = client.messages.count_tokens(**cast("Any", sent))
        found = getattr(answer, "input_tokens", None)
        return found if isinstance(found, int) and found > 0 else None

    return count


def knows(name: str, *, api_key: str, base_url: str | None, timeout: float) -> bool:
    """Ask whether a model is there for this key, which costs nothing.

    Raises:
        Transient: nobody could say now.
        Refused: the key is no good.
    """
    with _translated(), _client(api_key, base_url, timeout) as client:
        try:
            client.models.retrieve(name)
        except anthropic.NotFoundError:
            return False
    return True


def _client(
    api_key: str, base_url: str | None, timeout: float | anthropic.Timeout, *, connections: int = 1
) -> anthropic.Anthropic:
    """Return the vendor's client, which tries once and notes when a request begins to leave.

    Raises:
        ConfigError: the address is none.
    """
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    http = anthropic.DefaultHttpxClient(limits=limits, event_hooks={"request": [_watch]})
    try:
        return anthropic.Anthropic(
            api_key=api_key, base_url=base_url or VENDOR, timeout=timeout, max_retries=0, http_client=http
        )
    except httpx2.InvalidURL as error:
        raise ConfigError("environment: ANTHROPIC_BASE_URL is no address") from error


def _watch(request: httpx2.Request) -> None:
    request.extensions["trace"] = _note


def _note(step: str, about: Mapping[str, Any]) -> None:
    """Note that a request begins to leave; what a proxy is asked before it holds nothing of ours."""
    if step.endswith("send_request_headers.started") and about["request"].method != b"CONNECT":
        _BEGUN.set(True)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise ours for the vendor's errors, and for whatever comes before the request has begun to leave."""
    _BEGUN.set(False)
    try:
        yield
    except (anthropic.APIError, httpx2.HTTPError) as error:
        _translate(error)
    except DeskhandError:
        raise
    except Exception as error:
        if _BEGUN.get():
            raise
        log.error("call.unmade", error=type(error).__name__)  # noqa: TRY400 its words may hold the key
        raise Refused(f"the model cannot be asked: {type(error).__name__}", reason=Reason.ERROR) from error


def _body(prompt: Prompt) -> Json:
    """Build the request's body, with two ends marked for the cache: of the stable prefix, and of all of it.

    The prefix (tools, then system) is what every turn of the agent shares. The field of the whole
    request marks its last block, which the next call of the turn looks back to.
    """
    tools = [dict(tool) for tool in prompt.tools]
    body: Json = {
        "model": prompt.model,
        "max_tokens": prompt.max_tokens,
        "cache_control": CACHED,
        "messages": list(prompt.messages),
    }
    if prompt.system:
        body["system"] = [{"type": "text", "text": prompt.system, "cache_control": CACHED}]
    elif tools:
        tools[-1]["cache_control"] = CACHED
    if tools:
        body["tools"] = tools
    if thinking := LEAST_THINKING.get(DATED.sub("", prompt.model)):
        body["thinking"] = thinking
    return body


def _in_time(events: Iterator[Any], deadline: float) -> Iterator[tuple[str, str]]:
    """Pass the stream's events on until the call's time is over; pings would reset a read timeout."""
    wanted = WANTED.get()
    for event in events:
        wanted()
        if time.monotonic() > deadline:
            raise OutcomeUnknown("the model's answer took too long and was given up half-way")
        yield event.event or "", event.data


def _completion(content: tuple[Json, ...], stop_reason: str, usage: Usage) -> Completion:
    return Completion(
        content=content,
        text="".join(block["text"] for block in content if block["type"] == "text"),
        tool_calls=tuple(
            ToolCall(block["id"], block["name"], block["input"]) for block in content if block["type"] == "tool_use"
        ),
        stop_reason=stop_reason,
        usage=usage,
    )


def _usages(rows: list[Json]) -> tuple[Usage, ...]:
    return tuple(Usage(**{**row, "iterations": _usages(row["iterations"])}) for row in rows)


def _translate(error: anthropic.APIError | httpx2.HTTPError) -> NoReturn:
    """Raise ours for theirs."""
    if isinstance(error, anthropic.APIStatusError):
        _translate_status(error)
    cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else error
    kind = type(cause).__name__
    if isinstance(cause, _UNSENDABLE):
        raise Refused(f"the model cannot be asked: {kind}", reason=Reason.MODEL_UNAVAILABLE) from error
    if not _BEGUN.get():
        raise Transient(f"the model could not be reached: {kind}") from error
    raise OutcomeUnknown(f"the connection to the model broke: {kind}") from error


def _translate_status(error: anthropic.APIStatusError) -> NoReturn:
    status = error.status_code
    said = f"the model answered {status} {word(error.type)} (request {word(error.request_id)})"
    if status in _TRY_AGAIN or status >= 500:  # noqa: PLR2004 - HTTP's line between their fault and ours
        kind = Transient if _costs_nothing(error) else OutcomeUnknown
        raise kind(said, retry_after=_retry_after(error.response.headers)) from error
    ours = status in _OF_THE_PROMPT and _is_vendors(error) and _UNPAID not in error.message
    raise Refused(said, reason=Reason.ERROR if ours else Reason.MODEL_UNAVAILABLE) from error


def _costs_nothing(error: anthropic.APIStatusError) -> bool:
    """Tell whether an error was answered instead of being billed, or is a proxy's, which cannot know that."""
    return _is_vendors(error) or error.status_code in _NOT_TAKEN


def _is_vendors(error: anthropic.APIStatusError) -> bool:
    return isinstance(error.body, dict) and error.body.get("type") == "error"


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return the seconds that the vendor asks us to wait; a date or nonsense counts as not said."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
